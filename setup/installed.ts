import { rmSync } from 'node:fs';
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { formatDuration, ProgressBar } from '../core/cli/progress.ts';
import { watchSignals } from '../core/cli/signals.ts';
import { writeFileAtomic } from '../core/fs/atomic-write.ts';

/** What `installed.json` says of the libraries in a cache. */
export interface Installed {
  /** Where they came from, for a person who wonders. */
  source: string;
  /** The library files by their paths in the library folder. */
  files: Record<string, { sha256: string; bytes: number }>;
}

/** The libraries in a cache, if they are whole as far as their sizes tell. */
export async function readInstalled<T extends Installed>(library: string): Promise<T | undefined> {
  let installed: T;
  try {
    installed = JSON.parse(await readFile(join(library, 'installed.json'), 'utf8')) as T;
    for (const [path, { bytes }] of Object.entries(installed.files)) {
      if ((await stat(join(library, path))).size !== bytes) return undefined;
    }
  } catch {
    return undefined;
  }
  return installed;
}

/** What `installed.json` calls the given files: a wheel by its name, for it is the same wherever it lies. */
export function sourceName(path: string): string {
  return path.endsWith('.whl') ? basename(path) : resolve(path);
}

/**
 * Writes a whole folder's `installed.json` and renames it to where libraries are looked for.
 * @param digests the SHA-256 of the library files, by their paths in the folder
 */
export async function putInPlace<T extends Installed>(
  folder: string,
  library: string,
  origin: Omit<T, 'files'>,
  digests: ReadonlyMap<string, string>,
): Promise<T> {
  const files: Installed['files'] = {};
  for (const [path, sha256] of digests) {
    files[path] = { sha256, bytes: (await stat(join(folder, path))).size };
  }
  const installed = { ...origin, files } as T;
  await writeFileAtomic(join(folder, 'installed.json'), `${JSON.stringify(installed, undefined, 2)}\n`);
  await rm(library, { recursive: true, force: true });
  await rename(folder, library);
  return installed;
}

/**
 * Sets something up from a terminal: with a bar while it is unpacked, and Ctrl-C clears what is half done.
 * @param unfinished what is there only meanwhile
 * @param setUp told how many bytes are unpacked
 * @returns what it made, and how to say what became of it
 */
export async function setUpInTerminal<T>(
  unfinished: readonly string[],
  setUp: (onProgress: (done: number, total: number) => void) => Promise<T>,
): Promise<{ made: T; outcome: (isNew: boolean) => string }> {
  const release = watchSignals(() => {
    for (const path of unfinished) rmSync(path, { recursive: true, force: true });
    process.exit(130);
  });
  const start = performance.now();
  let bar: ProgressBar | undefined;
  try {
    const made = await setUp((done, total) => {
      bar ??= new ProgressBar({ label: 'unpack', total, unit: 'bytes' });
      bar.update(done);
      if (done === total) bar.finish();
    });
    const took = formatDuration((performance.now() - start) / 1000);
    return {
      made,
      outcome: (isNew) => (isNew ? `set up in ${took}` : 'already set up; --force does it again'),
    };
  } finally {
    release();
  }
}
