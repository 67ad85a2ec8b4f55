import { UserError } from '../core/errors.ts';
import { ClassificationMetrics, isBetter } from '../core/metrics/classification-metrics.ts';
import type { ModelAccuracy } from '../core/model-metadata.ts';
import type { CheckpointProgress, EpochSums } from '../core/weights/checkpoint.ts';
import type { TrainingEngine } from './engine/engine.ts';
import { runSteps, type StepBatch } from './run-steps.ts';
import { learningRateAt, type ScheduleConfig } from './schedule/schedule.ts';

/**
 * The training loop, of the trainer and of the page that teaches: epochs of optimiser steps, an evaluation after each,
 * the best epoch. All else that happens while a net trains is an observer's: checkpoints, log, plots, a bar.
 */
export async function trainLoop<B extends LabelledBatch>(setup: LoopSetup<B>): Promise<CheckpointProgress> {
  const { engine, classes, schedule, batchesPerEpoch, stopping, advice } = setup;
  const tell = tellerOf(setup.observers);
  let progress = setup.progress ?? { epoch: 0, batch: 0 };

  while (!isFinished(progress, setup.schedule) && !stopping()) {
    const { epoch, batch: firstBatch } = progress;
    await tell((observer) => observer.onEpochStart?.(epoch, batchesPerEpoch, firstBatch));
    const batches = await setup.batches(epoch, firstBatch);
    const metrics = new ClassificationMetrics(classes);
    const before = progress.soFar ?? NOTHING_SO_FAR;
    let { loss: lossSum } = before;
    const firstStep = epoch * batchesPerEpoch + firstBatch;
    const rateOf = (step: number) => learningRateAt(schedule, batchesPerEpoch, firstStep + step);

    const trainStart = performance.now();
    for await (const step of runSteps(engine, batches, rateOf)) {
      const { batch, loss, settled } = step;
      if (!Number.isFinite(loss))
        throw new UserError(`the loss became ${loss} in epoch ${epoch + 1}; ${advice}`);
      lossSum += loss;
      const { learningRate } = step;
      metrics.add(step.logits, batch.labels, batch.size);
      batch.release?.();
      const { images, top1Correct } = metrics.result();
      const soFar = {
        batches: before.batches + progress.batch + 1 - firstBatch,
        images: before.images + images,
        correct: before.correct + top1Correct,
        loss: lossSum,
        seconds: before.seconds + (performance.now() - trainStart) / 1000,
        learningRate,
      };
      progress = { ...progress, batch: progress.batch + 1, soFar };
      await tell((observer) => observer.onStep?.({ progress, loss, learningRate, settled }));
      if (settled && stopping() && progress.batch < batchesPerEpoch) {
        await tell((observer) => observer.onPause?.(progress, figuresOf(soFar)));
        return progress;
      }
    }
    const testStart = performance.now();
    const ofTraining = figuresOf(progress.soFar ?? NOTHING_SO_FAR);
    const { imagesPerSecond, trainSeconds, ...learned } = ofTraining;
    const accuracy = await setup.evaluate((images) => {
      for (const observer of setup.observers) observer.onEvaluate?.(images);
    }, epoch);
    if (accuracy === 'stopped') {
      await tell((observer) => observer.onPause?.(progress, ofTraining));
      return progress;
    }
    const testEnd = performance.now();
    // Ruined weights must not take the place of the last good ones.
    if (accuracy && !Number.isFinite(accuracy.loss)) throw new UserError(divergedIn(epoch, advice));
    const entry: EpochLog = {
      epoch,
      ...learned,
      testLoss: accuracy?.loss ?? Number.NaN,
      testTop1: accuracy?.top1 ?? Number.NaN,
      testTop5: accuracy?.top5 ?? Number.NaN,
      imagesPerSecond,
      trainSeconds,
      testSeconds: (testEnd - testStart) / 1000,
      ...(accuracy && { testImages: accuracy.images }),
    };
    const improved = accuracy !== undefined && isBetter(accuracy, progress.best);
    const { soFar: _, ...others } = progress;
    progress = { ...others, epoch: epoch + 1, batch: 0, ...(accuracy && { accuracy }) };
    if (improved) progress = { ...progress, best: accuracy, bestEpoch: epoch + 1 };
    await tell((observer) => observer.onEpochEnd?.({ entry, improved, progress }));
  }
  return progress;
}

const NOTHING_SO_FAR: EpochSums = { batches: 0, images: 0, correct: 0, loss: 0, seconds: 0, learningRate: 0 };

/** What the log has of an epoch's training. */
const figuresOf = ({ batches, images, correct, loss, seconds, learningRate }: EpochSums) => ({
  learningRate,
  trainLoss: loss / batches,
  trainTop1: correct / images,
  imagesPerSecond: images / seconds,
  trainSeconds: seconds,
});

export interface LoopSetup<B extends LabelledBatch> {
  engine: TrainingEngine;
  classes: number;
  /** How many epochs, and the learning rate of each step. */
  schedule: ScheduleConfig & { patience?: number };
  batchesPerEpoch: number;
  /** Where to go on; default at the beginning. */
  progress?: CheckpointProgress;
  /** The batches of an epoch in order, from number `firstBatch` on. */
  batches: (epoch: number, firstBatch: number) => AsyncIterable<B> | Promise<AsyncIterable<B>>;
  /**
   * Measures the engine's present weights; undefined where there is nothing to measure them on, or this epoch is one
   * after which they are not measured; `stopped` where it is time to stop: the epoch's evaluation is then the first
   * thing that is done when the run goes on.
   */
  evaluate: (
    onProgress: (images: number) => void,
    epoch: number,
  ) => Promise<ModelAccuracy | 'stopped' | undefined>;
  /** Becomes true when it is time to stop. */
  stopping: () => boolean;
  /** Told in this order, each when the one before has done its part: what is on disk before what says so. */
  observers: readonly LoopObserver[];
  /** What to do about weights that grow beyond all bounds, e.g. `lower --lr`. */
  advice: string;
}

export interface LabelledBatch extends StepBatch {
  /** `size` class indices. */
  labels: ArrayLike<number>;
  size: number;
  /** Called when the batch is not needed any more. */
  release?(): void;
}

/** What happens while a net trains; the loop waits for each. */
export interface LoopObserver {
  onEpochStart?(epoch: number, batches: number, firstBatch: number): void | Promise<void>;
  onStep?(step: StepReport): void | Promise<void>;
  /** It is time to stop, within an epoch of which so much is trained; all of it, where its evaluation is what is left. */
  onPause?(
    progress: CheckpointProgress,
    trained: Pick<EpochLog, 'trainLoss' | 'trainTop1'>,
  ): void | Promise<void>;
  /** So many images are evaluated. */
  onEvaluate?(images: number): void;
  onEpochEnd?(epoch: EpochReport): void | Promise<void>;
}

export interface StepReport {
  /** With this step in it. */
  progress: CheckpointProgress;
  /** Mean over the batch, in nats. */
  loss: number;
  learningRate: number;
  /** Whether the engine's state is the one after this step: false while later steps of the same call are in it. */
  settled: boolean;
}

export interface EpochReport {
  entry: EpochLog;
  /** Whether it is the best so far. */
  improved: boolean;
  progress: CheckpointProgress;
}

/**
 * A line of log.jsonl. Losses in nats, accuracies as fractions, times in seconds; NaN where nothing is evaluated. Where
 * the dataset has validation images, the results called `test` are of those, and the line in the file says so
 * (`evaluatedOn`).
 */
export interface EpochLog {
  /** From 0. */
  epoch: number;
  learningRate: number;
  trainLoss: number;
  trainTop1: number;
  testLoss: number;
  testTop1: number;
  testTop5: number;
  imagesPerSecond: number;
  trainSeconds: number;
  testSeconds: number;
  /** On how many images the `test` figures are; missing from older logs. */
  testImages?: number;
  /** Whose the `test` figures are, if not the test images'. */
  evaluatedOn?: 'validation';
}

/** Whether all epochs are done, or so many without a better one that no more are wanted. */
export function isFinished(
  { epoch, bestEpoch = epoch }: Pick<CheckpointProgress, 'epoch' | 'bestEpoch'>,
  { epochs, patience = 0 }: { epochs: number; patience?: number },
): boolean {
  return epoch >= epochs || (patience > 0 && epoch - bestEpoch >= patience);
}

/** Whether the weights are measured after an epoch: every so many, and after the last. */
export function isEvaluated(
  epoch: number,
  { epochs, evaluateEvery }: { epochs: number; evaluateEvery: number },
): boolean {
  return (epoch + 1) % evaluateEvery === 0 || epoch + 1 === epochs;
}

export function divergedIn(epoch: number, advice: string): string {
  return `the weights diverged in epoch ${epoch + 1}; ${advice}`;
}

function tellerOf(observers: readonly LoopObserver[]) {
  return async (what: (observer: LoopObserver) => void | Promise<void>) => {
    for (const observer of observers) await what(observer);
  };
}
