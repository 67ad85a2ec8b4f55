import { UserError } from '../../errors.ts';
import { readArchive } from '../archive/read-archive.ts';
import type { DataFiles } from './data-files.ts';

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
