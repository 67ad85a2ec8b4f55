import { UserError } from '../../core/errors.ts';
import { runHasFewClasses } from '../../core/metrics/few-classes.ts';
import { configDifferences } from '../runs/compare.ts';
import { bestEpoch } from '../runs/parse-epochs.ts';
import type { RunRecord } from '../runs/read-run.ts';
import { summarize } from '../runs/summary.ts';
import { CELL_KEYS, CELL_NAMES, CELLS, type CellName, describeAugmentation } from './cells.ts';

/** A finished run of a cell. */
export interface CellRun {
  cell: CellName;
  seed: number;
  record: RunRecord;
}

/** A run that does not count yet. */
export interface UnfinishedRun {
  cell: CellName;
  seed: number;
  epochsDone: number;
}

/** A run in numbers. Accuracies on the test images as fractions, epochs from 1. */
export interface RunResult {
  seed: number;
  path: string;
  finalTop1: number;
  finalTop5: number;
  bestTop1: number;
  bestTop5: number;
  bestEpoch: number;
  /** Trained on, without the evaluations; null if the log does not say. */
  imagesPerSecond: number | null;
}

/** A row of the table. Without a finished run there are no spreads, of few classes none of a top-5. */
export interface CellResult {
  cell: CellName;
  augmentation: string;
  runs: RunResult[];
  finalTop1?: Spread;
  finalTop5?: Spread;
  bestTop1?: Spread;
  bestTop5?: Spread;
  imagesPerSecond?: Spread;
}

/** The whole table, as `--json` writes it. */
export interface AblationResults {
  model: string;
  dataset: string;
  trainImages: number;
  epochs: number;
  /** Optimiser steps and images of a run, which are the same on every machine. */
  stepsPerRun: number;
  imagesPerRun: number;
  /** How many images the accuracies are of; missing where logs do not say. */
  testImages?: number;
  /** What all runs share; class names are left to the runs themselves. */
  config: Record<string, unknown>;
  cells: CellResult[];
  unfinished: UnfinishedRun[];
}

/**
 * Sums the finished runs up.
 * @param cells the rows, also those without a run so far
 * @throws UserError if there is none, or they differ in more than cell and seed
 */
export function summarizeRuns(
  runs: readonly CellRun[],
  cells: readonly CellName[],
  unfinished: readonly UnfinishedRun[],
): AblationResults {
  const first = runs[0];
  if (!first) throw new UserError('no run is finished yet; there is nothing to put into a table');
  for (const run of runs) refuseMisplaced(run, first);
  const { model, dataset, config, epochsAsked: epochs } = first.record;
  const { trainImages, batchSize } = config;
  if (!Number.isSafeInteger(trainImages) || !Number.isSafeInteger(batchSize)) {
    throw new UserError(
      `${first.record.path}/config.json lacks trainImages or batchSize; it is not a training config`,
    );
  }
  const testImages = first.record.epochs.at(-1)?.testImages;
  const stepsPerRun = Math.floor(Number(trainImages) / Number(batchSize)) * epochs;
  return {
    model,
    dataset,
    trainImages: Number(trainImages),
    epochs,
    stepsPerRun,
    imagesPerRun: stepsPerRun * Number(batchSize),
    ...(testImages === undefined ? {} : { testImages }),
    config: commonConfig(config),
    cells: CELL_NAMES.filter((cell) => cells.includes(cell)).map((cell) =>
      summarizeCell(
        cell,
        { ...config, ...CELLS[cell] },
        runs.filter((run) => run.cell === cell),
      ),
    ),
    unfinished: [...unfinished],
  };
}

function summarizeCell(
  cell: CellName,
  config: Record<string, unknown>,
  runs: readonly CellRun[],
): CellResult {
  const results = runs.map(runResult).sort((a, b) => a.seed - b.seed);
  const over = (value: (run: RunResult) => number | null) =>
    spread(results.map(value).filter((number) => number !== null));
  const isFew = runHasFewClasses(config);
  const spreads = {
    finalTop1: over(({ finalTop1 }) => finalTop1),
    finalTop5: over(({ finalTop5 }) => (isFew ? null : finalTop5)),
    bestTop1: over(({ bestTop1 }) => bestTop1),
    bestTop5: over(({ bestTop5 }) => (isFew ? null : bestTop5)),
    imagesPerSecond: over(({ imagesPerSecond }) => imagesPerSecond),
  };
  const known = Object.entries(spreads).filter(([, value]) => value !== undefined);
  return { cell, augmentation: describeAugmentation(config), runs: results, ...Object.fromEntries(known) };
}

function runResult({ seed, record }: CellRun): RunResult {
  const final = record.epochs.at(-1)!;
  const best = bestEpoch(record.epochs)!;
  return {
    seed,
    path: record.path,
    finalTop1: final.testTop1,
    finalTop5: final.testTop5,
    bestTop1: best.testTop1,
    bestTop5: best.testTop5,
    bestEpoch: best.epoch + 1,
    imagesPerSecond: summarize(record).imagesPerSecond,
  };
}

/** A mean over runs of different settings would be of nothing. */
function refuseMisplaced({ cell, seed, record }: CellRun, first: CellRun): void {
  const expected = { ...first.record.config, ...CELLS[cell], seed };
  const differences = configDifferences([record, { config: expected }]).map(
    ({ name, values: [there, others] }) => `${name} is ${there} and not ${others}`,
  );
  if (differences.length === 0) return;
  throw new UserError(
    `${record.path} does not belong to ${cell} with seed ${seed} beside ${first.record.path}: ${differences.join(', ')}`,
  );
}

function commonConfig(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const left = new Set<string>(['labels', 'seed', ...CELL_KEYS]);
  const common = Object.fromEntries(Object.entries(config).filter(([key]) => !left.has(key)));
  // Which images were held out is a setting; where they lie on this machine is nobody's business, and a hash says nothing.
  const { data } = config;
  if (typeof data === 'object' && data !== null) {
    const { path: _, hash: __, ...chosen } = data as Record<string, unknown>;
    if (Object.keys(chosen).length > 0) common.data = chosen;
    else delete common.data;
  }
  return { ...common, ...(Array.isArray(config.labels) ? { classes: config.labels.length } : {}) };
}

/** What a quantity is over several runs. */
export interface Spread {
  /** How many runs. */
  n: number;
  mean: number;
  /** The sample standard deviation (n - 1); null for a single run, which has none. */
  deviation: number | null;
}

/** @returns undefined for no values at all */
export function spread(values: readonly number[]): Spread | undefined {
  const n = values.length;
  if (n === 0) return undefined;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { n, mean, deviation: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { n, mean, deviation: Math.sqrt(squares / (n - 1)) };
}
