import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { findLast } from '../checkpointing.ts';
import { isEvaluated } from '../loop.ts';
import type { TrainConfig } from '../recipe/settings.ts';
import { configDifferences } from '../runs/compare.ts';
import { type RunRecord, readRun } from '../runs/read-run.ts';
import { CELL_NAMES, type CellName, cellConfig } from './cells.ts';
import type { CellRun, UnfinishedRun } from './results.ts';

/** One run of the table: a cell with a seed. */
export interface PlannedRun {
  cell: CellName;
  seed: number;
  path: string;
  config: TrainConfig;
}

/** How far a run has come. */
export type RunState =
  /** There is nothing to continue from. */
  | { is: 'new' }
  /** Interrupted after so many whole epochs. */
  | { is: 'started'; epochsDone: number }
  | { is: 'finished'; record: RunRecord };

/** Every cell with every seed; all cells of a seed before the next, so that a table can be had early. */
export function planRuns(
  out: string,
  common: TrainConfig,
  cells: readonly CellName[],
  seeds: readonly number[],
): PlannedRun[] {
  return seeds.flatMap((seed) =>
    cells.map((cell) => ({
      cell,
      seed,
      path: runPath(out, cell, seed),
      config: cellConfig(common, cell, seed),
    })),
  );
}

export function runPath(out: string, cell: CellName, seed: number): string {
  return join(out, `${cell}-seed${seed}`);
}

/**
 * What is on disk of a run.
 * @param asked all that its config.json has to state
 * @throws UserError if the directory holds a run of another config, or one that can neither be continued nor
 *   begun anew
 */
export async function readState(path: string, asked: Record<string, unknown>): Promise<RunState> {
  if (!existsSync(join(path, 'config.json'))) return { is: 'new' };
  const record = await readRun(path);
  refuseOtherConfig(record, asked);
  const epochsDone = record.epochs.length;
  const run = RunDirectory.open(path);
  if (!existsSync(run.checkpointPath('last'))) {
    // Whoever removed a finished run's checkpoints to save space still has its results.
    if (isComplete(record)) return { is: 'finished', record };
    const previous = existsSync(run.checkpointPath('previous'));
    if (epochsDone === 0 && !previous) return { is: 'new' };
    if (!previous)
      throw new UserError(
        `${path} was interrupted and has no checkpoint to continue from; remove it to begin anew`,
      );
  }
  const { progress } = (await findLast(run))!;
  if (progress.epoch < record.epochsAsked) return { is: 'started', epochsDone: progress.epoch };
  if (!isComplete(record)) {
    throw new UserError(`${path} is trained to the end but its log lacks epochs; remove it to begin anew`);
  }
  return { is: 'finished', record };
}

/** Whether the log has every epoch, and a result of each that is evaluated. */
export function isComplete({ epochs, epochsAsked, config }: RunRecord): boolean {
  const schedule = { epochs: epochsAsked, evaluateEvery: Number(config.evaluateEvery ?? 1) };
  return (
    epochs.length === epochsAsked &&
    epochs.every(
      ({ epoch, testTop1, testTop5 }, index) =>
        epoch === index &&
        (!isEvaluated(epoch, schedule) || (Number.isFinite(testTop1) && Number.isFinite(testTop5))),
    )
  );
}

function refuseOtherConfig({ path, config }: RunRecord, asked: Record<string, unknown>): void {
  // What is stored has been through JSON.
  const expected = JSON.parse(JSON.stringify(asked)) as Record<string, unknown>;
  const differences = configDifferences([
    { config: withoutPlace(config) },
    { config: withoutPlace(config.data === undefined ? { ...expected, data: undefined } : expected) },
  ]).map(({ name, values: [there, now] }) => `${name} is ${there} there and ${now} now`);
  if (differences.length === 0) return;
  throw new UserError(
    `${path} holds a run of another config: ${differences.join(', ')}; ask for the same, or give another --out`,
  );
}

/** The same data may be in another folder; runs of older trainers say nothing of their data. */
function withoutPlace({ data, ...config }: Record<string, unknown>): Record<string, unknown> {
  if (typeof data !== 'object' || data === null) return config;
  return { ...config, data: { ...data, path: undefined } };
}

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
