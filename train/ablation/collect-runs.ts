import { readdir } from 'node:fs/promises';
import { UserError } from '../../core/errors.ts';
import { readRun } from '../runs/read-run.ts';
import { CELL_NAMES, type CellName } from './cells.ts';
import { isComplete, runPath } from './planned-run.ts';
import type { CellRun, UnfinishedRun } from './results.ts';

/**
 * The runs of an ablation that are on disk.
 * @param only the cells and seeds that count; default all
 * @throws UserError if the directory cannot be read or a run in it is damaged
 */
export async function collectRuns(
  out: string,
  only: { cells?: readonly CellName[] | undefined; seeds?: readonly number[] | undefined } = {},
): Promise<{ finished: CellRun[]; unfinished: UnfinishedRun[] }> {
  const names = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(
      `cannot list ${out}: ${error.code ?? error.message}; say where the runs are with --out`,
    );
  });
  const finished: CellRun[] = [];
  const unfinished: UnfinishedRun[] = [];
  for (const { cell, seed } of names.flatMap(parseName).sort((a, b) => a.seed - b.seed)) {
    if (only.cells?.includes(cell) === false || only.seeds?.includes(seed) === false) continue;
    const record = await readRun(runPath(out, cell, seed));
    if (isComplete(record)) finished.push({ cell, seed, record });
    else unfinished.push({ cell, seed, epochsDone: record.epochs.length });
  }
  return { finished, unfinished };
}

/** What else lies in the directory is none of our runs. */
function parseName(name: string): { cell: CellName; seed: number }[] {
  const match = /^(\w+)-seed(\d+)$/.exec(name);
  const cell = CELL_NAMES.find((known) => known === match?.[1]);
  return cell && match ? [{ cell, seed: Number(match[2]) }] : [];
}
