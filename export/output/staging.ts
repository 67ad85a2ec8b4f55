import { rmSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { removeLeftBehind, temporaryName, withPath } from '../../core/fs/atomic-write.ts';
import { makeFolders } from '../../core/fs/make-folder.ts';

/**
 * A temporary folder beside the files that are to be written, in which they have their final names: a model
 * that refers to a file beside it can be tried out there. They are renamed into place together.
 */
export class Staging {
  /** In the target's file system. */
  readonly folder: string;
  readonly #onExit = () => rmSync(this.folder, { recursive: true, force: true });

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Opens one for a file at `target` and others beside it. */
  static async open(target: string): Promise<Staging> {
    await makeFolders(dirname(target));
    // Of exports that were killed.
    await removeLeftBehind(dirname(target), { of: basename(target) });
    const folder = temporaryName(target);
    await mkdir(folder);
    const staging = new Staging(folder);
    // For an interrupted command; what is left to do then cannot wait.
    process.once('exit', staging.#onExit);
    return staging;
  }

  /** A folder inside, for files that are not to be put in place; it goes with this one. */
  async nested(name: string): Promise<Staging> {
    const folder = join(this.folder, `${name}.tmp`);
    await mkdir(folder);
    return new Staging(folder);
  }

  /** Where a file is until it is put in place at `target`. */
  path(target: string): string {
    return join(this.folder, basename(target));
  }

  /** Writes the file for `target` and has it on disk when it returns. */
  write(target: string, chunks: Iterable<Uint8Array>): Promise<void> {
    return this.#put(target, chunks, 'wx');
  }

  /** Writes more after the last byte of the file for `target`. */
  append(target: string, bytes: Uint8Array): Promise<void> {
    return this.#put(target, [bytes], 'a');
  }

  async #put(target: string, chunks: Iterable<Uint8Array>, flags: 'wx' | 'a'): Promise<void> {
    const file = await open(this.path(target), flags);
    try {
      for (const chunk of chunks) await writeAll(file, chunk);
      await file.sync();
    } catch (error) {
      throw withPath(error, target);
    } finally {
      await file.close();
    }
  }

  /** Renames files into place, in this order: the one that refers to the others comes last. */
  async commit(targets: readonly string[]): Promise<void> {
    for (const target of targets) await rename(this.path(target), target);
  }

  /** Removes the folder with what is left in it. */
  async close(): Promise<void> {
    process.removeListener('exit', this.#onExit);
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done);
    done += bytesWritten;
  }
}
