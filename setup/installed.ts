import { readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
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
