import type { ImageDataset } from '../core/data/dataset.ts';
import { firstImages } from '../core/data/split.ts';
import { UserError } from '../core/errors.ts';
import { ClassificationMetrics } from '../core/metrics/classification-metrics.ts';
import { evaluateGraph } from '../core/metrics/evaluate-model.ts';
import type { ModelAccuracy } from '../core/model-metadata.ts';
import type { Graph } from '../core/onnx/graph.ts';
import type { RunDirectory } from '../core/runs/run-directory.ts';
import {
  type CheckpointProgress,
  loadCheckpoint,
  saveCheckpoint,
  withWeights,
} from '../core/weights/checkpoint.ts';
import { evaluatedWeights, loadLast, saveBest, saveLast } from './checkpointing.ts';
import type { TrainingEngine } from './engine/engine.ts';
import { augmentOptions } from './loader/augment/options.ts';
import { BatchLoader } from './loader/batch-loader.ts';
import { measureStepSeconds } from './measure-step.ts';
import { optimizerOf, stateSlots } from './optim/config.ts';
import { imageSizeAt } from './progressive/stages.ts';
import type { TrainConfig } from './recipe/settings.ts';
import { runSteps } from './run-steps.ts';
import { epochReporter } from './runs/epoch-reporter.ts';
import { learningRateAt } from './schedule/schedule.ts';
import { vectorLayout, withVector } from './step/parameter-vector.ts';

/** What happens while a run trains, for whoever shows it. */
export interface TrainObserver {
  /** A resumed run goes on from the checkpoint before the last, for the last one cannot be read. */
  onFallBack?(reason: string, progress: CheckpointProgress): void;
  /** The time the whole run will take, from a few trial steps; seconds. */
  onEstimate?(seconds: number, imagesPerSecond: number): void;
  onEpochStart?(epoch: number, batches: number, startBatch: number): void;
  onBatch?(batchesDone: number, loss: number): void;
  onEvaluate?(images: number): void;
  onEpochEnd?(entry: EpochLog, improved: boolean): void;
}

/**
 * A line of log.jsonl. Losses in nats, accuracies as fractions, times in seconds. Where the dataset has validation
 * images, the results called `test` are of those, and the line in the file says so (`evaluatedOn`).
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
}

export interface TrainResult {
  /** False if the run was interrupted; its state is saved. */
  finished: boolean;
  /** Of the best epoch, on the test images, or on the validation images where the dataset has some. */
  best?: ModelAccuracy;
  /** Then: of the same weights on the test images, if the run is finished. */
  test?: ModelAccuracy;
}

export interface TrainSetup {
  config: TrainConfig;
  /** The model with its initial weights; what an evaluation needs beside the trained vectors. */
  model: Graph;
  dataset: ImageDataset;
  engine: TrainingEngine;
  run: RunDirectory;
  workers: number;
  resume: boolean;
  /** Becomes true when the user asks to stop; the run then saves and returns. */
  shouldStop: () => boolean;
  /** Train no longer than this many seconds (the epoch in progress is left unfinished). */
  maxSeconds?: number;
  observer?: TrainObserver;
  /** Write event files for TensorBoard too; default false. */
  tensorboard?: boolean;
}

const SAVE_EVERY_SECONDS = 300;

/** Trains a model: epochs of optimiser steps, an evaluation after each, checkpoints, a log. */
export async function train(setup: TrainSetup): Promise<TrainResult> {
  return new Trainer(setup).run();
}

class Trainer {
  readonly #setup: TrainSetup;
  readonly #loader: BatchLoader;
  readonly #classes: number;
  readonly #startedAt = performance.now();
  readonly #report: (entry: EpochLog) => Promise<void>;
  #progress: CheckpointProgress = { epoch: 0, batch: 0 };
  #lastSave = performance.now();

  constructor(setup: TrainSetup) {
    const { config, dataset, workers } = setup;
    this.#setup = setup;
    this.#report = epochReporter(setup.run, { tensorboard: setup.tensorboard ?? false });
    this.#classes = dataset.labels.length;
    this.#loader = new BatchLoader({
      split: firstImages(dataset.train, config.trainImages),
      height: dataset.height,
      width: dataset.width,
      normalization: dataset.normalization,
      classes: this.#classes,
      labelSmoothing: config.labelSmoothing,
      batchSize: config.batchSize,
      seed: config.seed,
      augment: augmentOptions(config),
      workers,
      dropLast: true,
    });
  }

  async run(): Promise<TrainResult> {
    const { config, engine, run, model, resume, observer } = this.#setup;
    try {
      const found = resume ? await loadLast(run, model, stateSlots(optimizerOf(config))) : undefined;
      if (found) {
        engine.load(found.state);
        this.#progress = found.progress;
        if (found.damaged !== undefined) {
          await run.setDamagedAside();
          observer?.onFallBack?.(found.damaged, found.progress);
        }
        await run.truncateLog(found.progress.epoch);
      } else {
        // So that a run stopped before its first step can be resumed.
        await this.#save();
      }
      await this.#estimate();
      while (this.#progress.epoch < config.epochs && !this.#stopping()) await this.#epoch();
      const finished = this.#progress.epoch >= config.epochs;
      if (finished) await this.#testBest();
      const { best, test } = this.#progress;
      return { finished, ...(best ? { best } : {}), ...(test ? { test } : {}) };
    } finally {
      await this.#loader.close();
    }
  }

  #stopping(): boolean {
    const { shouldStop, maxSeconds = Number.POSITIVE_INFINITY } = this.#setup;
    return shouldStop() || performance.now() - this.#startedAt > maxSeconds * 1000;
  }

  /** Tells the user beforehand what the run will take. */
  async #estimate(): Promise<void> {
    const { engine, config, dataset, observer } = this.#setup;
    if (!observer?.onEstimate) return;
    const { epoch, batch } = this.#progress;
    const pixelsAt = (epoch: number) => this.#imagePixels(epoch);
    await this.#resize(epoch);
    const imageValues = dataset.channels * pixelsAt(epoch);
    const seconds = await measureStepSeconds(engine, config.batchSize, imageValues, this.#classes);
    // What a step takes grows as the pixels of an image do.
    const secondsOfPixel = seconds / pixelsAt(epoch);
    let pixelsLeft = -batch * pixelsAt(epoch);
    for (let later = epoch; later < config.epochs; later++)
      pixelsLeft += this.#loader.batchesPerEpoch * pixelsAt(later);
    // A forward pass is about a third of a step, and with folded batch norm nearer a fifth.
    const evaluations =
      ((config.epochs - epoch) * (dataset.validation ?? dataset.test).count) / config.batchSize / 5;
    const pixels = pixelsLeft + evaluations * dataset.height * dataset.width;
    observer.onEstimate(pixels * secondsOfPixel, config.batchSize / seconds);
  }

  /** Height and width of an epoch's images, where they are not whole ones. */
  #imageSize(epoch: number): number | undefined {
    const { config, dataset } = this.#setup;
    return config.progressive.length > 0 ? imageSizeAt(config, epoch, dataset.height) : undefined;
  }

  #imagePixels(epoch: number): number {
    const { height, width } = this.#setup.dataset;
    const size = this.#imageSize(epoch);
    return size === undefined ? height * width : size * size;
  }

  async #resize(epoch: number): Promise<void> {
    const size = this.#imageSize(epoch);
    if (size !== undefined) await this.#setup.engine.resize!(size);
  }

  async #epoch(): Promise<void> {
    const { config, engine, run, model, observer } = this.#setup;
    const { epoch, batch: startBatch } = this.#progress;
    const batches = this.#loader.batchesPerEpoch;
    observer?.onEpochStart?.(epoch, batches, startBatch);
    await this.#resize(epoch);
    const images = this.#loader.epoch(epoch, startBatch, this.#imageSize(epoch));
    const metrics = new ClassificationMetrics(this.#classes);
    let lossSum = 0;
    let learningRate = 0;
    const start = performance.now();
    const rateOf = (index: number) => learningRateAt(config, batches, epoch * batches + startBatch + index);
    for await (const step of runSteps(engine, images, rateOf)) {
      const { batch, loss, logits } = step;
      learningRate = step.learningRate;
      if (!Number.isFinite(loss)) {
        throw new UserError(`the loss became ${loss} in epoch ${epoch + 1}; lower --lr or raise the warm-up`);
      }
      lossSum += loss;
      metrics.add(logits, batch.labels, batch.size);
      batch.release();
      this.#progress.batch++;
      observer?.onBatch?.(this.#progress.batch, loss);
      if (!step.settled) continue;
      if (this.#stopping() && this.#progress.batch < batches) {
        await this.#save();
        return;
      }
      if (performance.now() - this.#lastSave > SAVE_EVERY_SECONDS * 1000) await this.#save();
    }
    const steps = batches - startBatch;
    const trainSeconds = (performance.now() - start) / 1000;
    const testStart = performance.now();
    const accuracy = await this.#evaluate();
    const testSeconds = (performance.now() - testStart) / 1000;
    this.#refuseDiverged(Number.isFinite(accuracy.loss));
    const improved = isBetter(accuracy, this.#progress.best);
    this.#progress = {
      epoch: epoch + 1,
      batch: 0,
      ...(this.#validated ? { chosenOn: 'validation' as const } : {}),
      accuracy,
      best: improved ? accuracy : this.#progress.best!,
    };
    const entry: EpochLog = {
      epoch,
      learningRate,
      trainLoss: lossSum / steps,
      trainTop1: metrics.result().top1,
      testLoss: accuracy.loss,
      testTop1: accuracy.top1,
      testTop5: accuracy.top5,
      imagesPerSecond: (steps * config.batchSize) / trainSeconds,
      trainSeconds,
      testSeconds,
    };
    await run.checkLock();
    await run.log({ ...entry, ...(this.#validated ? { evaluatedOn: 'validation' } : {}) });
    if (improved) await saveBest(run, model, await engine.state, this.#progress);
    await this.#save();
    observer?.onEpochEnd?.(entry, improved);
    await this.#report(entry);
  }

  /** Whether validation images choose the best epoch. */
  get #validated(): boolean {
    return this.#setup.dataset.validation !== undefined;
  }

  async #evaluate(): Promise<ModelAccuracy> {
    const { dataset, engine, model, observer } = this.#setup;
    const layout = vectorLayout(model);
    const { parameters, buffers } = evaluatedWeights(await engine.state);
    const trained = withVector(withVector(model, layout.parameters, parameters), layout.buffers, buffers);
    return evaluateGraph(trained, dataset, dataset.validation ?? dataset.test, {
      onProgress: (images) => observer?.onEvaluate?.(images),
    });
  }

  /** Where validation images chose the best epoch, its result on the test images, which had no part in that. */
  async #testBest(): Promise<void> {
    const { dataset, run, model } = this.#setup;
    if (!this.#validated || this.#progress.test || !this.#progress.best) return;
    const path = run.checkpointPath('best');
    const best = await loadCheckpoint(path);
    const graph = withWeights(model, best.tensors, path);
    const test = await evaluateGraph(graph, dataset, dataset.test);
    await run.checkLock();
    await saveCheckpoint(path, { ...best, progress: { ...best.progress, test } });
    this.#progress = { ...this.#progress, test };
    await this.#save();
  }

  /** Ruined weights must not take the place of the last good ones. */
  #refuseDiverged(finite: boolean): void {
    if (finite) return;
    throw new UserError(
      `the weights diverged in epoch ${this.#progress.epoch + 1}; lower --lr or raise the warm-up (the last checkpoint is kept)`,
    );
  }

  async #save(): Promise<void> {
    const { run, model, engine } = this.#setup;
    const state = await engine.state;
    this.#refuseDiverged(state.parameters.every(Number.isFinite));
    await run.checkLock();
    await saveLast(run, model, state, this.#progress);
    this.#lastSave = performance.now();
  }
}

/** Top-1 decides, the loss breaks a tie. */
function isBetter(accuracy: ModelAccuracy, best: ModelAccuracy | undefined): boolean {
  if (!best) return true;
  return accuracy.top1 > best.top1 || (accuracy.top1 === best.top1 && accuracy.loss < best.loss);
}
