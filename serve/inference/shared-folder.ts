import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'onnx-classifier-weights-';
/** A folder's name, with the number of the process that made it. */
const NAME = new RegExp(`^${PREFIX}(\\d+)-\\w+$`);
const ours = new Set<string>();

/**
 * Makes a temporary folder of this process, and removes those of processes that were killed before they could.
 * @returns its path; of a folder that does not exist, where none can be made
 */
export function makeSharedFolder(): string {
  const parent = tmpdir();
  try {
    for (const name of readdirSync(parent)) {
      const [, pid] = NAME.exec(name) ?? [];
      if (pid !== undefined && !ours.has(join(parent, name)) && !isOther(Number(pid)))
        remove(join(parent, name));
    }
    const folder = mkdtempSync(join(parent, `${PREFIX}${process.pid}-`));
    if (ours.size === 0) process.once('exit', removeAll);
    ours.add(folder);
    return folder;
  } catch {
    return join(parent, `${PREFIX}${process.pid}`);
  }
}

/** Removes a folder made by {@link makeSharedFolder}. */
export function removeSharedFolder(folder: string): void {
  remove(folder);
  ours.delete(folder);
  if (ours.size === 0) process.off('exit', removeAll);
}

function removeAll(): void {
  for (const folder of ours) remove(folder);
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Another user's, or still in use where files in use cannot be removed.
  }
}

/** Whether a process of this number runs beside this one. A container's is the same at each start. */
function isOther(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
