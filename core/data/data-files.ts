import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage, UserError } from '../errors.ts';
import { openRegularFile } from '../fs/regular-file.ts';
import { readArchive } from './archive/read-archive.ts';

/** Files of a tar archive, held in memory. */
export class ArchiveFiles implements DataFiles {
  readonly #files: ReadonlyMap<string, Uint8Array>;

  private constructor(
    readonly archive: string,
    readonly advice: string,
    files: ReadonlyMap<string, Uint8Array>,
  ) {
    this.#files = files;
  }

  /**
   * Reads files out of an archive; nothing is written anywhere.
   * @param wanted the names of the files, at the archive's top or in `folder`, and the most bytes of each
   * @param advice what to do about a missing file, to end a message with
   * @throws UserError if it is no archive, damaged, or one of the files is too large
   */
  static async open(
    archive: string,
    folder: string,
    wanted: ReadonlyMap<string, number>,
    advice: string,
  ): Promise<ArchiveFiles> {
    const files = new Map<string, Uint8Array>();
    for await (const entry of readArchive(archive)) {
      const name = nameIn(folder, entry.path);
      const maxBytes = name === undefined ? undefined : wanted.get(name);
      if (name === undefined || maxBytes === undefined) continue;
      if (entry.size > maxBytes) {
        throw new UserError(
          `${archive} (${entry.path}) has ${entry.size} bytes, more than the ${maxBytes} it may have; ${advice}`,
        );
      }
      files.set(name, await entry.read());
      // What comes after the last of them need not be unpacked.
      if (files.size === wanted.size) break;
    }
    return new ArchiveFiles(archive, advice, files);
  }

  describe(name: string): string {
    return `${this.archive} (${name})`;
  }

  async size(name: string): Promise<number> {
    return this.#get(name).length;
  }

  async *chunks(name: string): AsyncGenerator<Uint8Array> {
    yield this.#get(name);
  }

  #get(name: string): Uint8Array {
    const bytes = this.#files.get(name);
    if (!bytes) throw new UserError(`${this.archive} has no ${name}; ${this.advice}`);
    return bytes;
  }
}

/** The name of an entry that lies in `folder` or at the top of an archive; undefined if it lies elsewhere. */
export function nameIn(folder: string, path: string): string | undefined {
  const name = path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path;
  return name.includes('/') ? undefined : name;
}

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

const CHUNK_BYTES = 1 << 20;

/** The files in a folder. */
export class FolderFiles implements DataFiles {
  /** @param advice what to do about a missing file, to end a message with */
  constructor(
    readonly folder: string,
    readonly advice: string,
  ) {}

  describe(name: string): string {
    return join(this.folder, name);
  }

  async size(name: string): Promise<number> {
    const path = this.describe(name);
    const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
      throw new UserError(
        error.code === 'ENOENT'
          ? `${path} is missing; ${this.advice}`
          : `cannot read ${path}: ${errorMessage(error)}`,
      );
    });
    if (!info.isFile()) throw new UserError(`${path} is not a file; ${this.advice}`);
    return info.size;
  }

  async *chunks(name: string): AsyncGenerator<Uint8Array> {
    const path = this.describe(name);
    try {
      const file = await openRegularFile(path);
      yield* file.createReadStream({ highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>;
    } catch (error) {
      throw new UserError(`cannot read ${path}: ${errorMessage(error)}`);
    }
  }
}
