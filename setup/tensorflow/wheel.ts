import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { errorMessage, UserError } from '../../core/errors.ts';
import {
  checkRecorded,
  type Distribution,
  parseDistInfo,
  parseRecord,
  WHEEL_LIBRARIES,
  wheelTarget,
} from './release.ts';

/**
 * A wheel, which is a zip archive, opened for reading. Its directory is read at once, its files as streams:
 * unpacked, TensorFlow's library is larger than many a machine's free memory.
 */
export class Wheel {
  private constructor(
    private readonly zip: ZipFile,
    private readonly entries: ReadonlyMap<string, Entry>,
    private readonly path: string,
    readonly distribution: Distribution,
  ) {}

  /** @throws UserError if the file cannot be read, is truncated, or is no wheel */
  static async open(path: string): Promise<Wheel> {
    const zip = await openPromise(path, { autoClose: false }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== undefined) {
        throw new UserError(`${path} cannot be read: ${errorMessage(error)}`);
      }
      throw new UserError(`${path} is no wheel or a truncated one (${errorMessage(error)}); get it again`);
    });
    try {
      const entries = new Map<string, Entry>();
      for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry);
      const distribution = parseDistInfo(entries.keys());
      if (!distribution) throw new UserError(`${path} is no Python wheel: it has no .dist-info folder`);
      return new Wheel(zip, entries, path, distribution);
    } catch (error) {
      zip.close();
      throw error instanceof UserError ? error : damaged(path, error);
    }
  }

  /**
   * Unpacks the libraries and headers, comparing each with its checksum in RECORD on the way.
   * @param onProgress called with how many bytes are unpacked of how many
   * @returns the libraries' names and SHA-256
   * @throws UserError if a file is missing, damaged or not the one that RECORD lists
   */
  async unpack(
    folder: string,
    onProgress: (done: number, total: number) => void = () => {},
  ): Promise<Map<string, string>> {
    const record = parseRecord(await this.#read(`${this.distribution.folder}/RECORD`));
    for (const library of WHEEL_LIBRARIES) {
      if (!this.entries.has(library)) {
        throw new UserError(`${this.path} holds no ${library}; take a wheel of tensorflow-cpu or tensorflow`);
      }
    }
    const needed = [...this.entries.values()].flatMap((entry) => {
      const target = wheelTarget(entry.fileName);
      return target === undefined ? [] : [{ entry, target }];
    });
    const total = needed.reduce((sum, { entry }) => sum + entry.uncompressedSize, 0);
    let done = 0;
    const digests = new Map<string, string>();
    for (const { entry, target } of needed) {
      const path = join(folder, target);
      await mkdir(dirname(path), { recursive: true });
      const sha256 = await this.#extract(entry, path, (bytes) => {
        done += bytes;
        onProgress(done, total);
      });
      checkRecorded(record, entry.fileName, sha256, this.path);
      if (target.startsWith('lib/')) digests.set(target, sha256);
    }
    return digests;
  }

  close(): void {
    this.zip.close();
  }

  async #read(name: string): Promise<string> {
    const entry = this.entries.get(name);
    if (!entry) throw new UserError(`${this.path} has no ${name}; get it again`);
    try {
      return await text(await this.zip.openReadStreamPromise(entry));
    } catch (error) {
      throw damaged(this.path, error);
    }
  }

  async #extract(entry: Entry, path: string, onBytes: (bytes: number) => void): Promise<string> {
    const hash = createHash('sha256');
    const measure = new Transform({
      transform(chunk: Buffer, _encoding, next) {
        hash.update(chunk);
        onBytes(chunk.length);
        next(null, chunk);
      },
    });
    try {
      await pipeline(await this.zip.openReadStreamPromise(entry), measure, createWriteStream(path));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (['ENOSPC', 'EACCES', 'EROFS', 'EDQUOT'].includes(code)) {
        throw new UserError(`cannot write ${path}: ${errorMessage(error)}`);
      }
      throw damaged(this.path, error);
    }
    return hash.digest('hex');
  }
}

function damaged(path: string, error: unknown): UserError {
  return new UserError(`${path} is damaged (${errorMessage(error)}); get it again`);
}
