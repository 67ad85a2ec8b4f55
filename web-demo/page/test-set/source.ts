import { UserError } from '../../../core/errors.ts';

/** Where the test set comes from: the page's server, or a file the reader picked. */
export type TestSetSource = { name: string; url: string; bytes: number } | { name: string; file: File };

/** How many bytes the test set has. */
export function sizeOfSource(source: TestSetSource): number {
  return 'url' in source ? source.bytes : source.file.size;
}

/**
 * Reads a few bytes of it, without the other thirty megabytes where the server can do that.
 * @throws UserError if the server does not answer
 */
export async function readPart(source: TestSetSource, start: number, end: number): Promise<Uint8Array> {
  if (!('url' in source)) return new Uint8Array(await source.file.slice(start, end).arrayBuffer());
  const response = await fetch(source.url, { headers: { Range: `bytes=${start}-${end - 1}` } }).catch(() => {
    throw new UserError(`${source.name} could not be fetched; is the server still running?`);
  });
  if (!response.ok) throw new UserError(`${source.name} is not on this server (status ${response.status}).`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  // 200 rather than 206: the server sent the whole file.
  return response.status === 206 ? bytes : bytes.slice(start, end);
}
