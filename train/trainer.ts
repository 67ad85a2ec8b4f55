import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { formatPercent } from '../core/cli/format.ts';
import type { ImageDataset, ImageSplit } from '../core/data/dataset.ts';
import { datasetRecord } from '../core/data/run-record.ts';
import { firstImages } from '../core/data/split.ts';
import { errorMessage } from '../core/errors.ts';
import type { ConfusionMatrix } from '../core/metrics/confusion-matrix.ts';
import { evaluateGraph } from '../core/metrics/evaluate-model.ts';
import { fewClasses } from '../core/metrics/few-classes.ts';
import { Tally } from '../core/metrics/tally.ts';
import type { ModelAccuracy } from '../core/model-metadata.ts';
import { initializeParameters } from '../core/models/initialize.ts';
import { countMacs } from '../core/onnx/count-macs.ts';
import { type Graph, sizeOf } from '../core/onnx/graph.ts';
import { confusionSvg } from '../core/plot/confusion-svg.ts';
import { canDrawText } from '../core/plot/png.ts';
import { RunDirectory } from '../core/runs/run-directory.ts';
import type { CheckpointProgress } from '../core/weights/checkpoint.ts';
import { drawSheet } from './augment-sheet/sheet.ts';
import { ADVICE, evaluatedWeights, RunKeeper } from './checkpointing.ts';
import { askTeacher, checkTeacher, type Teaching } from './distillation.ts';
import type { TrainingEngine } from './engine/engine.ts';
import type { Device } from './engine/providers/device.ts';
import { enlarges, sizeSeen } from './fine-tune/enlarge.ts';
import { FrontCache, imagesKept } from './fine-tune/front-cache.ts';
import { BatchLoader } from './loader/batch-loader.ts';
import {
  type EpochLog,
  type EpochReport,
  isEvaluated,
  isFinished,
  type LoopObserver,
  trainLoop,
} from './loop.ts';
import { optimizerOf, stateSlots } from './optim/config.ts';
import { engineForRun } from './progressive/staged-engine.ts';
import { imageSizeAt, type Stage, stageAt } from './progressive/stages.ts';
import type { TrainConfig } from './recipe/settings.ts';
import { keepModel } from './run-model.ts';
import { measureStepSeconds } from './run-steps.ts';
import { csvLog, type LogName, stepLog } from './runs/logs.ts';
import { MlflowRun, requireMlflow } from './runs/mlflow.ts';
import { parseEpochs } from './runs/parse-epochs.ts';
import { EventFile, type PngImage, StepEvents } from './runs/tensorboard.ts';
import { writePlots } from './runs/write-plots.ts';
import { vectorLayout, withVector } from './state.ts';
import { weightsOfClasses } from './targets.ts';
import { whiten } from './whiten.ts';

/** What happens while a run trains, for whoever shows it. */
export interface TrainObserver extends LoopObserver {
  /** A resumed run goes on from the checkpoint before the last, for the last one cannot be read. */
  onFallBack?(reason: string, progress: CheckpointProgress): void;
  /** The teacher has been asked about so many of the training images. */
  onTeach?(images: number, of: number): void;
  /** Something is done otherwise than might be thought; a line. */
  onNote?(line: string): void;
  /** The time the whole run will take, from a few trial steps; seconds. */
  onEstimate?(seconds: number, imagesPerSecond: number): void;
}

export interface TrainSetup {
  config: TrainConfig;
  /** The model with its initial weights; what an evaluation needs beside the trained vectors. */
  model: Graph;
  dataset: ImageDataset;
  engine: TrainingEngine;
  run: RunDirectory;
  workers: number;
  /** Threads of an operator; default one a core. */
  threads?: number | undefined;
  resume: boolean;
  /** Becomes true when the user asks to stop; the run then saves and returns. */
  shouldStop: () => boolean;
  /** Train and evaluate no longer than this many seconds (the epoch in progress is left unfinished). */
  maxSeconds?: number;
  observer?: TrainObserver;
  /** Write event files for TensorBoard too; default false. */
  tensorboard?: boolean;
  /** What else the run is logged to; default nothing. */
  logs?: readonly LogName[];
  /** Called with a line about what could not be written beside log and checkpoints; default: to stderr. */
  warn?: (line: string) => void;
}

export interface TrainResult {
  /** False if the run was interrupted; its state is saved. */
  finished: boolean;
  /** Then: the images on which an epoch, or in the end the best, is still to be measured, if that was put off. */
  unevaluated?: 'validation' | 'test';
  /** Present if it is finished before its last epoch, for its `patience` was at an end. */
  stoppedEarly?: true;
  /** Of the best epoch, on the test images, or on the validation images where the dataset has some. */
  best?: ModelAccuracy;
  /** Then: of the same weights on the test images, if the run is finished. */
  test?: ModelAccuracy;
}

/** Trains a run: the loop on a dataset, kept in the run's directory, gone on with where it was. */
export async function train(setup: TrainSetup): Promise<TrainResult> {
  const { config, dataset, engine, run, model, observer = {} } = setup;
  const { shouldStop, maxSeconds = Number.POSITIVE_INFINITY } = setup;
  const until = performance.now() + maxSeconds * 1000;
  const stopping = () => shouldStop() || performance.now() > until;
  const warn = setup.warn ?? warnOnStderr;
  const keeper = new RunKeeper(run, model, engine, dataset.validation !== undefined);
  const split = firstImages(dataset.train, config.trainImages);
  const teaching = await askTeacher(config, dataset, run, {
    ...{ split, stopping },
    onProgress: (images) => observer.onTeach?.(images, split.count),
    onNote: (line) => observer.onNote?.(line),
  });
  if (teaching === 'stopped') return { finished: false };
  const loader = new BatchLoader({
    split,
    height: dataset.height,
    width: dataset.width,
    normalization: dataset.normalization,
    classes: dataset.labels.length,
    labelSmoothing: config.labelSmoothing,
    classWeights: weightsOfClasses(config, split.labels),
    teaching,
    batchSize: config.batchSize,
    seed: config.seed,
    augment: config,
    plainFrom: config.epochs - config.plainEpochs,
    workers: setup.workers,
    dropLast: true,
  });
  let mlflow: MlflowRun | undefined;
  let outcome: 'FINISHED' | 'KILLED' | 'FAILED' = 'FAILED';
  let front: FrontCache | undefined;
  try {
    if (setup.logs?.includes('mlflow')) {
      const { labels: _, ...settings } = config;
      mlflow = await MlflowRun.open(run, settings, loader.batchesPerEpoch);
    }
    const begun = await keeper.begin(setup.resume ? stateSlots(optimizerOf(config)) : undefined);
    if (begun.damaged !== undefined) observer.onFallBack?.(begun.damaged, begun.progress);
    if (engine.frontRemains !== undefined)
      observer.onNote?.(`what is frozen is run in every step, for ${engine.frontRemains}`);
    if (observer.onEstimate && !isFinished(begun.progress, config) && !stopping()) {
      await estimate(setup, begun.progress, loader.batchesPerEpoch, stopping);
    }
    let matrix: ConfusionMatrix | undefined;
    const progress = await trainLoop({
      engine,
      classes: dataset.labels.length,
      schedule: config,
      batchesPerEpoch: loader.batchesPerEpoch,
      progress: begun.progress,
      batches: async (epoch, firstBatch) => {
        await engine.enter?.(stageAt(config, epoch, sizeSeen(model)));
        if (engine.front) {
          front ??= await openFront(setup, engine.front, teaching);
          return front.epoch(epoch, firstBatch);
        }
        await front?.close();
        front = undefined;
        return loader.epoch(epoch, firstBatch, sizeOfImages(setup, epoch));
      },
      evaluate: async (onProgress, epoch) => {
        if (!isEvaluated(epoch, config)) return undefined;
        const layout = vectorLayout(model);
        const { parameters, buffers } = evaluatedWeights(await engine.state);
        const trained = withVector(withVector(model, layout.parameters, parameters), layout.buffers, buffers);
        const tally = new Tally(dataset.labels.length);
        matrix = tally.matrix;
        const split = dataset.validation ?? dataset.test;
        const measured = await unlessStopping(stopping, split, (onBatch) =>
          evaluateGraph(trained, dataset, split, {
            tally,
            onProgress: (images) => {
              onProgress(images);
              onBatch(images);
            },
          }),
        );
        return measured ?? 'stopped';
      },
      stopping,
      observers: [
        keeper,
        observer,
        ...filesBeside(setup, loader.batchesPerEpoch, warn, () => matrix),
        ...(mlflow ? [mlflow.observer(notWritten(warn, 'metrics of MLflow'))] : []),
      ],
      advice: ADVICE,
    });
    const { best } = progress;
    const test = isFinished(progress, config)
      ? await keeper.testBest(progress, (graph) =>
          unlessStopping(stopping, dataset.test, (onProgress) =>
            evaluateGraph(graph, dataset, dataset.test, { onProgress }),
          ),
        )
      : progress.test;
    const untested = isFinished(progress, config) && best && dataset.validation && !test;
    const finished = isFinished(progress, config) && !untested;
    const isPutOff = progress.batch === loader.batchesPerEpoch;
    const unevaluated = untested ? 'test' : isPutOff && (dataset.validation ? 'validation' : 'test');
    const stoppedEarly = finished && progress.epoch < config.epochs;
    outcome = finished ? 'FINISHED' : 'KILLED';
    return {
      finished,
      ...(unevaluated && { unevaluated }),
      ...(stoppedEarly && { stoppedEarly }),
      ...(best && { best }),
      ...(test && { test }),
    };
  } finally {
    await front?.close();
    await loader.close();
    await mlflow?.end(outcome).catch(notWritten(warn, 'metrics of MLflow'));
  }
}

/** What the engine's frozen front gives of the training images. */
async function openFront(
  { config, dataset, threads, observer }: TrainSetup,
  front: Graph,
  teaching: Teaching | undefined,
): Promise<FrontCache> {
  const cache = await FrontCache.open(front, {
    settings: config,
    split: firstImages(dataset.train, config.trainImages),
    size: dataset,
    normalization: dataset.normalization,
    classes: dataset.labels.length,
    teaching,
    threads,
  });
  observer?.onNote?.(
    `what is frozen is run once on each image, and what it gives kept: ${cache.description}`,
  );
  return cache;
}

/** Height and width of the images that the loader makes for an epoch, where they are not whole ones. */
function sizeOfImages({ config, model, dataset }: TrainSetup, epoch: number): number | undefined {
  if (config.progressive.length === 0 || enlarges(model)) return undefined;
  return imageSizeAt(config, epoch, dataset.height);
}

/**
 * Tells the user beforehand what the run will take. A step of each stage that is to come is timed: what a step takes
 * grows by less than the pixels of an image do, by how much less is a matter of the net and the machine.
 */
async function estimate(
  setup: TrainSetup,
  { epoch, batch }: CheckpointProgress,
  batchesPerEpoch: number,
  stopping: () => boolean,
): Promise<void> {
  const { engine, config, model, dataset, observer } = setup;
  const { batchSize, labels } = config;
  const steps = new Map<string, { stage: Stage; first: number; count: number }>();
  for (let later = epoch; later < config.epochs; later++) {
    const stage = stageAt(config, later, sizeSeen(model));
    const key = `${stage.size} ${stage.frozen}`;
    const counted = steps.get(key) ?? { stage, first: later, count: later === epoch ? -batch : 0 };
    steps.set(key, { ...counted, count: counted.count + batchesPerEpoch });
  }
  let trained = 0;
  let secondsAPixel = 0;
  let rate = 0;
  let kept: Graph | undefined;
  // That of now is the last, so that training goes on with the step graph which is there.
  for (const { stage, first, count } of [...steps.values()].reverse()) {
    if (stopping() && first !== epoch) continue;
    await engine.enter?.(stage);
    const size = sizeOfImages(setup, first);
    const imageValues = engine.front
      ? sizeOf(engine.front.outputs[0]!.dims.slice(1).map(Number))
      : dataset.channels * (size === undefined ? dataset.height * dataset.width : size * size);
    const seconds = await measureStepSeconds(engine, batchSize, imageValues, labels.length, stopping);
    trained += count * seconds;
    kept ??= engine.front;
    secondsAPixel = seconds / stage.size ** 2;
    rate = batchSize / seconds;
  }
  // A forward pass is about a third of a step, and with folded batch norm nearer a fifth.
  const guess = { open: 0, image: (secondsAPixel * sizeSeen(model) ** 2) / batchSize / 5 };
  const { open, image } = (await timeEvaluation(model, dataset, stopping)) ?? guess;
  const evaluations = Math.ceil((config.epochs - epoch) / config.evaluateEvery);
  const evaluated = evaluations * (open + image * (dataset.validation ?? dataset.test).count);
  const tested = dataset.validation ? open + image * dataset.test.count : 0;
  const fronts = kept ? image * imagesKept(config) * (countMacs(kept) / countMacs(model)) : 0;
  if (!stopping()) observer!.onEstimate!(trained + evaluated + tested + fronts, rate);
}

/** Images of a trial batch. */
const TRIAL = 16;

/**
 * What an evaluation takes, from a few images; undefined if there are none, or it is time to stop.
 * @returns seconds to begin it, and for each image
 */
async function timeEvaluation(
  model: Graph,
  dataset: ImageDataset,
  stopping: () => boolean,
): Promise<{ open: number; image: number } | undefined> {
  const all = dataset.validation ?? dataset.test;
  const split = firstImages(all, Math.min(all.count, 2 * TRIAL));
  const start = performance.now();
  const times: number[] = [];
  await unlessStopping(stopping, split, (onBatch) =>
    evaluateGraph(model, dataset, split, {
      batchSize: TRIAL,
      onProgress: (images) => {
        times.push((performance.now() - start) / 1000);
        onBatch(images);
      },
    }),
  );
  const [first, second] = times;
  if (first === undefined) return undefined;
  // The first batch allocates.
  const image = second === undefined ? first / split.count : (second - first) / (split.count - TRIAL);
  return { open: Math.max(0, first - TRIAL * image), image };
}

class Stopped extends Error {}

/**
 * An evaluation that ends between two batches when it is time to stop.
 * @returns undefined if it was: a part of it says nothing
 */
async function unlessStopping<T>(
  stopping: () => boolean,
  { count }: Pick<ImageSplit, 'count'>,
  evaluate: (onBatch: (images: number) => void) => Promise<T>,
): Promise<T | undefined> {
  if (stopping()) return undefined;
  try {
    return await evaluate((images) => {
      if (images < count && stopping()) throw new Stopped();
    });
  } catch (error) {
    if (error instanceof Stopped) return undefined;
    throw error;
  }
}

/** Plots, TensorBoard's events and other logs; a failure is said and does not end the training, which has log and checkpoints. */
function filesBeside(
  setup: TrainSetup,
  batchesPerEpoch: number,
  warn: (line: string) => void,
  lastMatrix: () => ConfusionMatrix | undefined,
): LoopObserver[] {
  const { run, config, dataset, tensorboard = false, logs = [] } = setup;
  const said = (what: string) => notWritten(warn, what);
  // A run that is resumed goes on with what it has.
  const has = (name: string): boolean => setup.resume && existsSync(join(run.path, name));
  const observers: LoopObserver[] = [
    { onEpochEnd: () => writePlots(run).then(() => {}, said('plots')) },
    ...(logs.includes('csv') || has('log.csv') ? [untilItFails(csvLog(run), said('epochs of log.csv'))] : []),
    ...(logs.includes('jsonl') || has('steps.jsonl')
      ? [untilItFails(stepLog(run, batchesPerEpoch), said('steps of steps.jsonl'))]
      : []),
  ];
  if (!tensorboard && !has('steps')) return observers;
  const { labels: _, ...settings } = config;
  const events = new EventFile(run.path, undefined, settings, !fewClasses(dataset.labels));
  let isFirst = true;
  const addEpoch = async ({ entry, improved }: EpochReport): Promise<void> => {
    const log = parseEpochs(await run.readLog());
    await events.add(
      entry,
      log.filter(({ epoch }) => epoch < entry.epoch),
    );
    if (isFirst) await events.addImage(entry.epoch + 1, 'augmented', await augmentedImages(setup));
    isFirst = false;
    const matrix = lastMatrix();
    const picture = improved && matrix && (await confusionImage(matrix, dataset, entry));
    if (picture) await events.addImage(entry.epoch + 1, 'confusion', picture);
  };
  const epochs: LoopObserver = {
    onEpochEnd: (report) => addEpoch(report).catch(said('TensorBoard events')),
  };
  const steps = untilItFails(new StepEvents(run.path, batchesPerEpoch), said('TensorBoard steps'));
  return [...observers, epochs, steps];
}

function notWritten(warn: (line: string) => void, what: string) {
  return (error: unknown) => warn(`the ${what} were not written: ${errorMessage(error)}`);
}

/** How many training images are shown, and in how many epochs. */
const AUGMENTED = { images: 6, variants: 8 };

/** Some training images beside what the loader makes of them. */
async function augmentedImages({ config, dataset }: TrainSetup): Promise<PngImage> {
  const images = Math.min(AUGMENTED.images, dataset.train.count);
  const sheet = drawSheet(dataset, { ...AUGMENTED, images, seed: config.seed, augment: config });
  return { height: sheet.height, width: sheet.width, png: await sheet.png(1) };
}

/** What is taken for what; undefined on a machine without fonts. */
async function confusionImage(
  matrix: ConfusionMatrix,
  dataset: ImageDataset,
  { testTop1, testImages }: EpochLog,
): Promise<PngImage | undefined> {
  if (!(await canDrawText())) return undefined;
  const images = `${testImages} ${dataset.validation ? 'validation' : 'test'} images`;
  const title = { heading: dataset.name, detail: `${images}: top-1 ${formatPercent(testTop1)}` };
  const { data, info } = await sharp(Buffer.from(confusionSvg(matrix, dataset, title)))
    .png()
    .toBuffer({ resolveWithObject: true });
  return { height: info.height, width: info.width, png: data };
}

/** Said once, and not again at every step. */
function untilItFails(observer: LoopObserver, onFailure: (error: unknown) => void): LoopObserver {
  let failed = false;
  const attempt = async (told: () => void | Promise<void>) => {
    if (failed) return;
    try {
      await told();
    } catch (error) {
      failed = true;
      onFailure(error);
    }
  };
  return {
    onStep: (step) => attempt(() => observer.onStep?.(step)),
    onPause: (...paused) => attempt(() => observer.onPause?.(...paused)),
    onEpochEnd: (epoch) => attempt(() => observer.onEpochEnd?.(epoch)),
  };
}

function warnOnStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Where a run is kept and who watches it. */
export interface OpenedRun {
  run: RunDirectory;
  observer?: TrainObserver;
  /** If the config was settled only now; the engine's part of it must be as before. */
  config?: TrainConfig;
}

export interface RunSetup extends Omit<TrainSetup, 'engine' | 'run' | 'observer'> {
  /** Its weights are initialised here, from the config's seed, unless it goes on from another model. */
  model: Graph;
  /** Default the CPU. */
  device?: Device;
  /**
   * Opens or makes the run directory. Called when all else is ready, so that a mistake in the config leaves
   * no directory behind.
   */
  open: (engine: TrainingEngine) => Promise<OpenedRun>;
}

export interface RunOutcome {
  run: RunDirectory;
  result: TrainResult;
  /** What the training took. */
  seconds: number;
}

/**
 * The way from a config to a trained run: initial weights, engine, run directory, training.
 * @throws UserError if the config cannot be trained, or the training fails
 */
export async function startRun({ device, open, ...setup }: RunSetup): Promise<RunOutcome> {
  if (setup.logs?.includes('mlflow')) await requireMlflow();
  const begun = performance.now();
  const { config } = setup;
  if (!setup.resume) await checkTeacher(config, setup.dataset);
  if (config.from === undefined) {
    initializeParameters(setup.model, config.seed);
    whiten(setup.model, setup.dataset);
  }
  const engine = await engineForRun(setup, setup.threads, device);
  let opened: OpenedRun | undefined;
  try {
    opened = await open(engine);
    await opened.run.lock();
    const start = performance.now();
    // To make the engine takes a while for large images.
    const maxSeconds = (setup.maxSeconds ?? Number.POSITIVE_INFINITY) - (start - begun) / 1000;
    const result = await train({ ...setup, ...opened, engine, maxSeconds });
    return { run: opened.run, result, seconds: (performance.now() - start) / 1000 };
  } finally {
    await opened?.run.unlock();
    await engine.close();
  }
}

/**
 * Makes a run directory with the config in it; the run is locked by this process.
 * @param path default `runs/<time>-<model>-<dataset>`
 * @param start the model with its weights, if the config goes on from one (`from`)
 * @throws UserError if it holds a run already, another process writes it, or it cannot be made
 */
export async function createRun(
  config: TrainConfig,
  dataset: ImageDataset,
  path?: string,
  start?: { model: Graph; licence?: string },
): Promise<RunDirectory> {
  const run = await RunDirectory.create(`${config.model}-${dataset.name}`, path);
  await run.lock();
  // Another process may have made and finished it meanwhile.
  await RunDirectory.create(dataset.name, run.path);
  // First: a run whose config is there is whole.
  if (config.from !== undefined) await keepModel(run, start!.model, start!.licence);
  await run.writeConfig(runConfig(config, dataset));
  return run;
}

/** All that a run's config.json states; what is off is left out, so that runs made before it have the same. */
export function runConfig(config: TrainConfig, dataset: ImageDataset): Record<string, unknown> {
  const {
    precision,
    cycleMomentum,
    progressive,
    plainEpochs,
    patience,
    evaluateEvery,
    teacher,
    teacherWeight,
    headLr,
    lrDecay,
    biasLr,
    freeze,
    batchNorm,
    frontCache,
    enlarge,
    resizedCrop,
    alternateFlip,
    colorJitter,
    ...rest
  } = config;
  return {
    ...rest,
    ...(precision === 'fp32' ? {} : { precision }),
    ...(cycleMomentum ? { cycleMomentum } : {}),
    ...(patience > 0 ? { patience } : {}),
    ...(teacher === undefined ? {} : { teacher, teacherWeight }),
    ...(evaluateEvery === 1 ? {} : { evaluateEvery }),
    ...(progressive.length === 0 ? {} : { progressive }),
    ...(plainEpochs === 0 ? {} : { plainEpochs }),
    ...(headLr === 1 ? {} : { headLr }),
    ...(lrDecay === 1 ? {} : { lrDecay }),
    ...(biasLr === 1 ? {} : { biasLr }),
    ...(freeze.length === 0 ? {} : { freeze }),
    ...(batchNorm === 'train' ? {} : { batchNorm }),
    ...(resizedCrop === 0 ? {} : { resizedCrop }),
    ...(alternateFlip ? { alternateFlip } : {}),
    ...(colorJitter.length === 0 ? {} : { colorJitter }),
    ...(frontCache === 'auto' ? {} : { frontCache }),
    ...(enlarge === 'graph' ? {} : { enlarge }),
    ...datasetRecord(dataset, config.trainImages),
  };
}
