import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { lockState } from './run-lock.ts';

/** How deep runs may lie: `runs/<run>`, and `runs/ablation-.../<run>`. */
const DEPTH = 2;

/** A training run's directory, and a mark that changes with what it says. */
export interface RunFolder {
  path: string;
  mark: string;
}

/** All run directories below a folder: those with a config.json. */
export async function listRunFolders(root: string, depth = DEPTH): Promise<RunFolder[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const found = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .map(async ({ name }) => {
        const path = join(root, name);
        const mark = await markOf(path);
        if (mark !== undefined) return [{ path, mark }];
        return depth > 1 ? listRunFolders(path, depth - 1) : [];
      }),
  );
  return found.flat();
}

async function markOf(path: string): Promise<string | undefined> {
  const [config, log] = await Promise.all(
    ['config.json', 'log.jsonl'].map((name) => stat(join(path, name)).catch(() => undefined)),
  );
  if (!config?.isFile()) return undefined;
  return [config.mtimeMs, config.size, log?.mtimeMs, log?.size, await lockState(path)].join();
}
