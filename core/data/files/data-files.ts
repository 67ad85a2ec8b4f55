import { UserError } from '../../errors.ts';

/** The files of a dataset, wherever they are: in a folder, or in an archive. */
export interface DataFiles {
  /** What to call a file in a message. */
  describe(name: string): string;
  /** A file's size in bytes. @throws UserError if it is missing */
  size(name: string): Promise<number>;
  /** A file's bytes in order, in chunks of any size. @throws UserError if it cannot be read */
  chunks(name: string): AsyncIterable<Uint8Array>;
}

/**
 * All of a file.
 * @throws UserError if it cannot be read or has more than `maxBytes`
 */
export async function readWhole(files: DataFiles, name: string, maxBytes: number): Promise<Uint8Array> {
  const size = await files.size(name);
  if (size > maxBytes) {
    throw new UserError(`${files.describe(name)} has ${size} bytes, more than the ${maxBytes} it may have`);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of files.chunks(name)) chunks.push(chunk);
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
