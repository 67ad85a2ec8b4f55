import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolders } from './make-folder.ts';

/*
 * Ours rather than write-file-atomic: what killed writes left is told from work under way and removed, and a caller has
 * a say between the flush and the rename.
 */

/** The process that writes is in the name, so that what a killed one left can be told from work under way. */
const TEMPORARY = /\.(\d+)-[0-9a-f]{8}\.tmp$/;
/** Processes of other machines, which share the folder, look dead from here; none writes one file for so long. */
const LEFT_BEHIND_MS = 60_000;

/** A name beside `path` for a file that is to be renamed to it; of its own for each call, even among threads. */
export function temporaryName(path: string): string {
  return `${path}.${process.pid}-${randomUUID().slice(0, 8)}.tmp`;
}

/**
 * Writes a file so that a reader, a crash or a full disk never sees half of it: the bytes go to a temporary
 * file beside the target, are flushed, and are renamed into place. Temporary files that killed writes of the
 * same target left are removed.
 * @param beforeRename called when the new file is whole and the old one still in place
 * @throws Error of the file system, with `path`
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  beforeRename?: () => Promise<void>,
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await makeFolders(dirname(path));
    await removeLeftBehind(dirname(path), { of: basename(path) });
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await beforeRename?.();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw withPath(error, path);
  }
}

/**
 * Removes temporary files of writes that were killed.
 * @param options.of only those of the file of this name
 * @param options.mine the folder is written by this process alone: whatever their age
 */
export async function removeLeftBehind(
  folder: string,
  options: { of?: string; mine?: boolean } = {},
): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const found = TEMPORARY.exec(name);
    if (!found || (options.of !== undefined && name.slice(0, found.index) !== options.of)) continue;
    if (processIsAlive(Number(found[1]))) continue;
    const path = join(folder, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (options.mine || Date.now() - mtimeMs > LEFT_BEHIND_MS) {
      await rm(path, { force: true, recursive: true }).catch(() => undefined);
    }
  }
}

/** What the system says of an open file does not name it. */
export function withPath(error: unknown, path: string): unknown {
  const known = error as NodeJS.ErrnoException;
  return known?.code !== undefined && known.path === undefined ? Object.assign(known, { path }) : error;
}

/** Whether a process of this number runs on this machine, as far as this process may know. */
export function processIsAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Of another user's process the system only says that it is not ours.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
