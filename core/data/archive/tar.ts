import { ByteStream } from './byte-stream.ts';

const BLOCK = 512;
/** Most bytes of a long name or of extended attributes. */
const MAX_ATTRIBUTE_BYTES = 1 << 16;

/*
 * Ours: names, attributes and sizes of a stranger's archive are bounded before anything is made of them, and a file
 * is read only when it is asked for. tar-stream brings thirteen packages for it.
 */

/** What is wrong with an archive. */
export class TarError extends Error {
  override name = 'TarError';
}

/** A regular file of an archive. */
export interface TarEntry {
  /** With slashes between folders and without a leading `./`; as it is in the archive, so `..` is possible. */
  path: string;
  size: number;
  /** Its bytes; to be called before the next entry is asked for, and once. */
  read(): Promise<Uint8Array>;
}

/**
 * The regular files of a tar archive (POSIX ustar and pax, GNU long names), in order. Folders, links and
 * devices are passed over.
 * @throws TarError if it is no tar archive or is cut short
 */
export async function* tarEntries(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const stream = new ByteStream(chunks);
  const header = Buffer.alloc(BLOCK);
  let longPath: string | undefined;
  let longSize: number | undefined;
  try {
    for (;;) {
      const got = await stream.read(header);
      // A block of zeros ends an archive; some writers leave it out.
      if (got === 0 || (got === BLOCK && header.every((byte) => byte === 0))) return;
      if (got < BLOCK) throw new TarError('it ends early');
      checkSum(header);
      const type = String.fromCharCode(header[156]!);
      const size = (type === 'x' || type === 'L' ? undefined : longSize) ?? numberAt(header, 124, 12);
      const padding = (BLOCK - (size % BLOCK)) % BLOCK;
      if (type === 'x' || type === 'L') {
        const body = await readBody(stream, limit(size));
        await skipAll(stream, padding);
        if (type === 'L') longPath = textOf(body, 0, body.length);
        else ({ path: longPath = longPath, size: longSize = longSize } = paxAttributes(body));
        continue;
      }
      let taken = false;
      if (type === '0' || type === '\0' || type === '7') {
        yield {
          path: (longPath ?? pathOf(header)).replace(/^(\.\/+)+/, ''),
          size,
          read: () => {
            if (taken) throw new Error('a tar entry can be read once');
            taken = true;
            return readBody(stream, size);
          },
        };
      }
      await skipAll(stream, taken ? padding : size + padding);
      longPath = undefined;
      longSize = undefined;
    }
  } finally {
    await stream.close();
  }
}

async function readBody(stream: ByteStream, size: number): Promise<Uint8Array> {
  const body = new Uint8Array(size);
  if ((await stream.read(body)) < size) throw new TarError('it ends early');
  return body;
}

async function skipAll(stream: ByteStream, count: number): Promise<void> {
  if ((await stream.skip(count)) < count) throw new TarError('it ends early');
}

function limit(size: number): number {
  if (size <= MAX_ATTRIBUTE_BYTES) return size;
  throw new TarError(`it has a name or attributes of ${size} bytes`);
}

/** The sum of the header's bytes, its own field counted as spaces: the only mark that all tars have. */
function checkSum(header: Buffer): void {
  let sum = 8 * 32;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += header[i]!;
  if (numberAt(header, 148, 8) !== sum) throw new TarError('it has no valid tar header where one should be');
}

/** A number in octal digits, or in binary where the first bit says so. */
function numberAt(header: Buffer, at: number, length: number): number {
  const field = header.subarray(at, at + length);
  let value = 0;
  if (field[0] === 0x80) {
    for (const byte of field.subarray(1)) value = value * 256 + byte;
  } else {
    const digits = textOf(field, 0, length).trim();
    value = /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
  }
  if (!Number.isSafeInteger(value)) throw new TarError('it has no valid tar header where one should be');
  return value;
}

function pathOf(header: Buffer): string {
  const name = textOf(header, 0, 100);
  const ustar = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = ustar ? textOf(header, 345, 155) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Text up to the first zero byte. */
function textOf(bytes: Uint8Array, at: number, length: number): string {
  const field = Buffer.from(bytes.buffer, bytes.byteOffset + at, length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? length : end);
}

/** Lines of `length key=value`, the length in bytes and its own digits included. */
function paxAttributes(body: Uint8Array): { path?: string; size?: number } {
  const attributes: { path?: string; size?: number } = {};
  const text = Buffer.from(body);
  for (let at = 0; at < text.length; ) {
    const match = /^(\d{1,6}) ([^=]+)=/.exec(text.toString('latin1', at, at + 200));
    const length = Number(match?.[1]);
    if (!match || length < match[0].length + 1 || at + length > text.length) {
      throw new TarError('it has malformed attributes');
    }
    const value = text.toString('utf8', at + match[0].length, at + length - 1);
    if (match[2] === 'path') attributes.path = value;
    if (match[2] === 'size') attributes.size = sizeOf(value);
    at += length;
  }
  return attributes;
}

function sizeOf(value: string): number {
  const size = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(size)) throw new TarError('it has malformed attributes');
  return size;
}
