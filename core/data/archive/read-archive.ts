import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { errorMessage, UserError } from '../../errors.ts';
import { openRegularFile } from '../../fs/regular-file.ts';
import { type TarEntry, TarError, tarEntries } from './tar.ts';

/** Most bytes an archive may unpack to; the largest dataset read here has 200 MB. */
const MAX_UNPACKED_BYTES = 2 ** 31;

/**
 * The files in a .tar.gz (or .tar) archive, in order, unpacked as they are asked for.
 * @param maxBytes most bytes that are unpacked; default 2 GiB
 * @throws UserError if it cannot be read, is no such archive, is damaged or unpacks to more than that
 */
export async function* readArchive(path: string, maxBytes = MAX_UNPACKED_BYTES): AsyncGenerator<TarEntry> {
  // What goes wrong amid a file's bytes arrives at its reader, not here.
  const translated = (error: unknown): never => {
    throw translate(error, path);
  };
  try {
    for await (const entry of tarEntries(limited(await unpacked(path), maxBytes))) {
      yield { ...entry, read: () => entry.read().catch(translated) };
    }
  } catch (error) {
    translated(error);
  }
}

/** The error for the user; of a bug, the error itself. */
function translate(error: unknown, path: string): unknown {
  if (error instanceof UserError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof TarError || code?.startsWith('Z_')) {
    const reason = code === 'Z_BUF_ERROR' ? 'it ends early' : errorMessage(error);
    return new UserError(`${path} is damaged or no .tar.gz archive (${reason}); fetch it again`);
  }
  return code === undefined ? error : new UserError(`cannot read ${path}: ${errorMessage(error)}`);
}

/** Archives of other kinds, by how they begin. */
const OTHERS: readonly (readonly [begins: string, kind: string])[] = [
  ['PK\x03\x04', 'a .zip'],
  ['7z\xbc\xaf', 'a .7z'],
  ['Rar!', 'a .rar'],
  ['BZh', 'a .bz2'],
  ['\xfd7zXZ', 'an .xz'],
  ['\x28\xb5\x2f\xfd', 'a .zst'],
];

async function unpacked(path: string): Promise<AsyncIterable<Uint8Array>> {
  const begins = await beginOf(path);
  const zipped = begins.startsWith('\x1f\x8b');
  const other = OTHERS.find(([own]) => begins.startsWith(own));
  if (other) {
    throw new UserError(`${path} is ${other[1]} archive, no .tar.gz; unpack it and give the folder`);
  }
  const source = (await openRegularFile(path)).createReadStream({ highWaterMark: 1 << 18 });
  if (!zipped) return source as AsyncIterable<Buffer>;
  const gunzip = createGunzip({ chunkSize: 1 << 18 });
  // Errors of either stream arrive where gunzip is read; leaving it early closes the file.
  pipeline(source, gunzip, () => {});
  return gunzip as AsyncIterable<Buffer>;
}

/** The first bytes, each as a character. */
async function beginOf(path: string): Promise<string> {
  const file = await openRegularFile(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function* limited(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let left = maxBytes;
  for await (const chunk of chunks) {
    left -= chunk.length;
    if (left < 0) throw new TarError(`it unpacks to more than ${maxBytes} bytes`);
    yield chunk;
  }
}
