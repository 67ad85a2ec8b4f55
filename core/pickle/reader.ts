/** Longest line of a text opcode; names and numbers are far shorter. */
const MAX_LINE = 1024;
/** Longest integer; PyTorch's magic number has 10 bytes. Reading one takes the square of its length. */
const MAX_INTEGER = 255;

/** Reads a pickle's bytes in order; every length is checked against what is left. */
export class PickleReader {
  readonly #bytes: Buffer;
  #at: number;

  /** @param position where to begin */
  constructor(bytes: Uint8Array, position = 0) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = position;
  }

  get position(): number {
    return this.#at;
  }

  byte(): number {
    return this.#bytes[this.#advance(1)]!;
  }

  uint16(): number {
    return this.#bytes.readUInt16LE(this.#advance(2));
  }

  int32(): number {
    return this.#bytes.readInt32LE(this.#advance(4));
  }

  uint32(): number {
    return this.#bytes.readUInt32LE(this.#advance(4));
  }

  /** A length of eight bytes. */
  uint64(): number {
    return Number(this.#bytes.readBigUInt64LE(this.#advance(8)));
  }

  float64(): number {
    return this.#bytes.readDoubleBE(this.#advance(8));
  }

  /** A view of the next bytes, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  text(length: number, encoding: 'utf8' | 'latin1' = 'utf8'): string {
    const start = this.#advance(length);
    return this.#bytes.toString(encoding, start, start + length);
  }

  /** A little-endian two's-complement integer; a bigint only where a number is too small. */
  integer(length: number): number | bigint {
    const bytes = this.bytes(length);
    if (length > MAX_INTEGER) throw new PickleError(`has a number of ${length} bytes`);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    return narrow(BigInt.asIntN(8 * length, value));
  }

  /** The text up to the next newline. */
  line(): string {
    const end = this.#bytes.subarray(this.#at, this.#at + MAX_LINE).indexOf(10);
    if (end === -1) {
      throw new PickleError(
        this.#at + MAX_LINE < this.#bytes.length ? 'has a line of endless length' : 'is truncated',
      );
    }
    const text = this.text(end);
    this.#at += 1;
    return text;
  }

  #advance(length: number): number {
    const start = this.#at;
    if (length < 0 || length > this.#bytes.length - start) throw new PickleError('is truncated');
    this.#at += length;
    return start;
  }
}

/** A bigint as a number where that is exact. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/**
 * Why a pickle is not read. The message goes on a sentence that begins with the file's name, e.g.
 * "is truncated"; {@link unpickle} makes a UserError of it.
 */
export class PickleError extends Error {
  override name = 'PickleError';
}

/** Text of the file as part of a one-line message. */
export function printable(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}
