import { runHasFewClasses } from '../../core/metrics/few-classes.ts';
import { bestEpoch } from './parse-epochs.ts';
import type { RunRecord, RunState } from './read-run.ts';

/** A run in a few numbers. Those of no epoch at all are null, as JSON has no other word for it. */
export interface RunSummary {
  name: string;
  path: string;
  model: string;
  dataset: string;
  state: RunState;
  epochsDone: number;
  epochsAsked: number;
  /**
   * Top-1 and top-5 of the best epoch by top-1, the one `best.safetensors` has; fractions. No top-5 among so few classes
   * that any guess is within it.
   */
  bestTop1: number | null;
  bestTop5: number | null;
  bestTestLoss: number | null;
  /** On what these were measured, e.g. `12 test images`; null where the log does not say. */
  bestOn: string | null;
  /** From 1. */
  bestEpoch: number | null;
  /** Over all training so far, without the evaluations. */
  imagesPerSecond: number | null;
  /** Training and evaluation, seconds. */
  seconds: number;
  /** What somebody noted of it. */
  note?: string;
}

/** Sums a run up. */
export function summarize(run: RunRecord): RunSummary {
  const best = bestEpoch(run.epochs);
  const timed = run.epochs.filter(({ imagesPerSecond, trainSeconds }) =>
    Number.isFinite(imagesPerSecond * trainSeconds),
  );
  const images = sum(timed.map(({ imagesPerSecond, trainSeconds }) => imagesPerSecond * trainSeconds));
  return {
    name: run.name,
    path: run.path,
    model: run.model,
    dataset: run.dataset,
    state: run.state,
    epochsDone: (run.epochs.at(-1)?.epoch ?? -1) + 1,
    epochsAsked: run.epochsAsked,
    bestTop1: known(best?.testTop1),
    bestTop5: runHasFewClasses(run.config) ? null : known(best?.testTop5),
    bestTestLoss: known(best?.testLoss),
    bestOn: best?.testImages === undefined ? null : `${best.testImages} ${best.evaluatedOn ?? 'test'} images`,
    bestEpoch: best ? best.epoch + 1 : null,
    imagesPerSecond: known(images / sum(timed.map(({ trainSeconds }) => trainSeconds))),
    seconds: sum(
      run.epochs
        .flatMap(({ trainSeconds, testSeconds }) => [trainSeconds, testSeconds])
        .filter(Number.isFinite),
    ),
    ...(run.note === undefined ? {} : { note: run.note }),
  };
}

function known(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
