import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { errorMessage, UserError } from '../core/errors.ts';

/** A Python distribution by its metadata folder. */
export interface Distribution {
  /** `tensorflow_cpu-2.15.1.dist-info` */
  folder: string;
  name: string;
  version: string;
}

/** The distribution among the paths of a wheel; undefined if there is no metadata folder. */
export function parseDistInfo(paths: Iterable<string>): Distribution | undefined {
  for (const path of paths) {
    const match = /^(([\w.]+)-([\w.+!]+)\.dist-info)(\/|$)/.exec(path);
    if (match) return { folder: match[1]!, name: match[2]!.toLowerCase(), version: match[3]! };
  }
  return undefined;
}

/** What a wheel's RECORD says of one of its files. */
export interface RecordedFile {
  /** Lower-case hexadecimal. */
  sha256: string;
  bytes: number;
}

/**
 * Parses a wheel's RECORD, a CSV of `path,sha256=<URL-safe base64>,size`. Lines without a digest, as RECORD's
 * own, are left out.
 * @see https://packaging.python.org/en/latest/specifications/recording-installed-packages/
 */
export function parseRecord(text: string): Map<string, RecordedFile> {
  const files = new Map<string, RecordedFile>();
  for (const line of text.split(/\r?\n/)) {
    // Only a path with a comma or a quote in it is quoted.
    const match = /^(?:"((?:[^"]|"")*)"|([^,"]*)),sha256=([\w-]{43})=*,(\d+)$/.exec(line);
    if (!match) continue;
    const [, quoted, plain, digest, bytes] = match;
    const path = quoted?.replaceAll('""', '"') ?? plain!;
    files.set(path, { sha256: Buffer.from(digest!, 'base64url').toString('hex'), bytes: Number(bytes) });
  }
  return files;
}

/**
 * Compares a file with its line in RECORD.
 * @param source where the file came from, for the message
 * @throws UserError if it has no line or another digest
 */
export function checkRecorded(
  record: ReadonlyMap<string, RecordedFile>,
  path: string,
  sha256: string,
  source: string,
): void {
  const expected = record.get(path);
  if (!expected)
    throw new UserError(`${source} has no checksum for ${path} in its RECORD; get the wheel again`);
  if (expected.sha256 !== sha256) {
    throw new UserError(`${path} in ${source} is damaged or changed: its SHA-256 is not the one in RECORD`);
  }
}

/**
 * A wheel, which is a zip archive, opened for reading. Its directory is read at once, its files as streams:
 * unpacked, TensorFlow's library is larger than many a machine's free memory. Every file is compared with its checksum
 * in RECORD on the way.
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

  /** The paths of its files. */
  get files(): string[] {
    return [...this.entries.keys()];
  }

  /**
   * Unpacks some of its files.
   * @param targets by path in the wheel, where they go in `folder`
   * @param onProgress called with how many bytes are unpacked of how many
   * @returns the files' SHA-256, by where they went
   * @throws UserError if a file is missing, damaged or not the one that RECORD lists
   */
  async unpack(
    targets: ReadonlyMap<string, string>,
    folder: string,
    onProgress: (done: number, total: number) => void = () => {},
  ): Promise<Map<string, string>> {
    const record = parseRecord((await this.#read(this.#recordPath)).toString());
    const needed = [...targets].map(([name, target]) => ({ entry: this.#entry(name), target }));
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
      digests.set(target, sha256);
    }
    return digests;
  }

  /** One of its files, in memory. @throws UserError as {@link unpack} */
  async read(name: string): Promise<Buffer> {
    const record = parseRecord((await this.#read(this.#recordPath)).toString());
    const bytes = await this.#read(name);
    checkRecorded(record, name, createHash('sha256').update(bytes).digest('hex'), this.path);
    return bytes;
  }

  close(): void {
    this.zip.close();
  }

  get #recordPath(): string {
    return `${this.distribution.folder}/RECORD`;
  }

  #entry(name: string): Entry {
    const entry = this.entries.get(name);
    if (!entry) throw new UserError(`${this.path} has no ${name}; get it again`);
    return entry;
  }

  async #read(name: string): Promise<Buffer> {
    const entry = this.#entry(name);
    try {
      return await buffer(await this.zip.openReadStreamPromise(entry));
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
