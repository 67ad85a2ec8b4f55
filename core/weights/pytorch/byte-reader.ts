import { UserError } from '../../errors.ts';

/** Reads little-endian numbers from bytes one after the other; running out of them is a {@link UserError}. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #source: string;
  /** Where the next read starts. */
  offset: number;

  /** @param source what to call the bytes in an error, e.g. their path */
  constructor(bytes: Uint8Array, source: string, offset = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#source = source;
    this.offset = offset;
  }

  /** The next `count` bytes, not copied. */
  take(count: number): Uint8Array {
    const start = this.#advance(count);
    return this.#bytes.subarray(start, start + count);
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  /** A 64-bit count or offset; one beyond 2^53 cannot be in any file and comes back inexact. */
  u64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true));
  }

  #advance(count: number): number {
    const start = this.offset;
    if (!(count >= 0 && start >= 0 && count <= this.#bytes.length - start)) throw this.#truncated();
    this.offset = start + count;
    return start;
  }

  #truncated(): UserError {
    return new UserError(`${this.#source} is truncated or damaged; copy or download it again`);
  }
}
