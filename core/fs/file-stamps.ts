import { stat } from 'node:fs/promises';

/**
 * The files that something is made of, each as it looked just before it was read; those that were looked for
 * and are not there belong to them, as it would be made otherwise if they came.
 */
export class FileStamps {
  readonly #stamps = new Map<string, string>();

  /** To be called before a file is read, or looked for. */
  async add(path: string): Promise<void> {
    const stamp = await stampOf(path);
    if (!this.#stamps.has(path)) this.#stamps.set(path, stamp);
  }

  /** What all of them looked like when they were read; other files have another one. */
  get asRead(): string {
    return combined(this.#stamps);
  }

  /** The same of the files as they are now. */
  async now(): Promise<string> {
    const paths = [...this.#stamps.keys()];
    const stamps = await Promise.all(paths.map(stampOf));
    return combined(paths.map((path, i) => [path, stamps[i]!]));
  }
}

/** Tells one state of a file from another: replaced, rewritten, grown, or gone. */
async function stampOf(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (!found) return 'none';
  return `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}${found.isFile() ? '' : ' no file'}`;
}

function combined(stamps: Iterable<readonly [string, string]>): string {
  return JSON.stringify([...stamps]);
}
