import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { errorMessage, UserError } from '../../core/errors.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { listRunFolders } from '../../core/runs/run-folders.ts';
import { lockState } from '../../core/runs/run-lock.ts';
import { type EpochLog, isFinished } from '../loop.ts';
import { bestEpoch, parseEpochs } from './parse-epochs.ts';

/** A run as its directory tells it. */
export interface RunRecord {
  /** The directory's name. */
  name: string;
  path: string;
  model: string;
  dataset: string;
  epochsAsked: number;
  /** All of config.json; runs of older and newer versions have other keys. */
  config: Record<string, unknown>;
  /** By rising epoch, each epoch once. A number that is missing in the log is NaN. */
  epochs: EpochLog[];
  /** When something was last logged, in milliseconds since 1970. */
  changed: number;
  state: RunState;
  /** What somebody noted of it. */
  note?: string;
}

/**
 * What becomes of a run: it is being trained; all its epochs are done; it was stopped and saved; or it was killed, and
 * goes on from its last checkpoint.
 */
export type RunState = 'live' | 'finished' | 'stopped' | 'interrupted';

/**
 * Reads a run.
 * @throws UserError if the directory holds none, or config.json or log.jsonl cannot be read
 */
export async function readRun(path: string): Promise<RunRecord> {
  const run = RunDirectory.open(path);
  const config = await run.readConfig();
  const { model, dataset, epochs: epochsAsked } = config;
  if (typeof model !== 'string' || typeof dataset !== 'string' || !Number.isInteger(epochsAsked)) {
    throw new UserError(`${run.configPath} lacks model, dataset or epochs; it is not a training config`);
  }
  const epochs = parseEpochs(await run.readLog());
  const { mtimeMs } = await stat(existsSync(run.logPath) ? run.logPath : run.configPath);
  const lock = await lockState(path);
  const finished = isFinished(
    { epoch: (epochs.at(-1)?.epoch ?? -1) + 1, bestEpoch: (bestEpoch(epochs)?.epoch ?? -1) + 1 },
    { epochs: epochsAsked as number, patience: Number(config.patience ?? 0) },
  );
  const note = await run.readNote();
  return {
    ...(note === undefined ? {} : { note }),
    name: basename(path),
    path,
    model,
    dataset,
    epochsAsked: epochsAsked as number,
    config,
    epochs,
    changed: mtimeMs,
    state: lock === 'held' ? 'live' : finished ? 'finished' : lock === 'left' ? 'interrupted' : 'stopped',
  };
}

/**
 * Reads the runs under a directory, and those of ablations, which have a folder of their own; their names are from there.
 * @returns the runs, and for each directory that is none a line that says why
 */
export async function readRuns(root: string): Promise<{ runs: RunRecord[]; skipped: string[] }> {
  const runs: RunRecord[] = [];
  const skipped: string[] = [];
  const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`cannot list ${root}: ${error.code ?? error.message}`);
  });
  for (const name of names.sort()) {
    const path = join(root, name);
    // A dangling link is no directory either.
    const isDirectory = await stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (!isDirectory) continue;
    const below = existsSync(join(path, 'config.json')) ? [] : await listRunFolders(path, 1);
    for (const folder of below.length > 0 ? below.map((run) => run.path).sort() : [path]) {
      try {
        runs.push({ ...(await readRun(folder)), name: relative(root, folder) });
      } catch (error) {
        // Whatever is wrong with one directory must not hide the others.
        skipped.push(errorMessage(error));
      }
    }
  }
  return { runs, skipped };
}
