import { join } from 'node:path';
import type { ImageDataset } from '../../../core/data/dataset.ts';
import { makeSynthetic } from '../../../core/data/synthetic.ts';
import { initializeParameters } from '../../../core/models/initialize.ts';
import { buildResNet, type ResNetConfig } from '../../../core/models/resnet.ts';
import type { Graph } from '../../../core/onnx/graph.ts';
import { RunDirectory } from '../../../core/runs/run-directory.ts';
import { loadCheckpoint } from '../../../core/weights/checkpoint.ts';
import type { TrainingEngine } from '../../../train/engine/engine.ts';
import { engineForRun } from '../../../train/progressive/staged-engine.ts';
import { DEFAULTS, type TrainConfig } from '../../../train/recipe/settings.ts';
import { type TrainObserver, type TrainResult, type TrainSetup, train } from '../../../train/trainer.ts';

/** 64 images of the first classes to train on, 40 to test on. */
export const DATASET = makeSynthetic({ train: 64, test: 40 });
export const BATCHES_PER_EPOCH = 4;

const { provider: _, stepsPerCall: __, threads: ___, workers: ____, ...DECIDING } = DEFAULTS;

export const CONFIG: TrainConfig = {
  ...DECIDING,
  milestones: [],
  model: 'resnet8',
  dataset: DATASET.name,
  trainImages: 64,
  epochs: 3,
  batchSize: 16,
  optimizer: 'sgd',
  learningRate: 0.05,
  momentum: 0.9,
  nesterov: false,
  weightDecay: 5e-4,
  schedule: 'onecycle',
  warmupFraction: 0.3,
  labelSmoothing: 0.1,
  crop: 4,
  flip: true,
  seed: 7,
  engine: 'ort',
  replicas: 1,
  labels: DATASET.labels,
};

export interface TinyRunOptions {
  config?: Partial<TrainConfig>;
  /** Seed of the initial weights; the config's seed decides order and augmentation. */
  weightSeed?: number;
  /** Default {@link initialModel}. */
  model?: Graph;
  resume?: boolean;
  workers?: number;
  /** Stop as soon as this many steps are done in all. */
  stopAfter?: number;
  maxSeconds?: number;
  /** Stop when it says so, too. */
  shouldStop?: () => boolean;
  /** Default {@link DATASET}. */
  dataset?: ImageDataset;
  observer?: TrainObserver;
  setup?: Pick<TrainSetup, 'tensorboard' | 'logs' | 'warn'>;
  /** Puts something between the trainer and its engine. */
  wrap?: (engine: TrainingEngine) => TrainingEngine;
}

/** A third of the blocks of the net whose name it has, half as wide. */
const SMALL: ResNetConfig = {
  name: CONFIG.model,
  block: 'basic',
  depths: [1, 1, 1],
  widths: [8, 16, 32],
  stemWidth: 8,
};

/** The model a run starts from. */
export function initialModel(seed = 1): Graph {
  const model = buildResNet(SMALL, { numClasses: DATASET.labels.length, imageSize: DATASET.height });
  initializeParameters(model, seed);
  return model;
}

/** Trains a tiny net in `folder/name`; on resuming, the run that is there. */
export async function tinyRun(
  folder: string,
  name: string,
  options: TinyRunOptions = {},
): Promise<{ run: RunDirectory; result: TrainResult }> {
  const path = join(folder, name);
  const config = { ...CONFIG, ...options.config };
  const model = options.model ?? initialModel(options.weightSeed);
  const run = options.resume ? RunDirectory.open(path) : await RunDirectory.create(name, path);
  if (!options.resume) await run.writeConfig({ ...config });
  // One thread, so that nothing depends on how many cores there are.
  const engine = await engineForRun({ config, model }, 1);
  let steps = 0;
  try {
    const result = await train({
      config,
      model,
      dataset: options.dataset ?? DATASET,
      engine: options.wrap?.(engine) ?? engine,
      run,
      workers: options.workers ?? 1,
      resume: options.resume ?? false,
      ...options.setup,
      shouldStop: () =>
        steps >= (options.stopAfter ?? Number.POSITIVE_INFINITY) || (options.shouldStop?.() ?? false),
      ...(options.maxSeconds === undefined ? {} : { maxSeconds: options.maxSeconds }),
      observer: {
        ...options.observer,
        onStep: (step) => {
          steps++;
          return options.observer?.onStep?.(step);
        },
      },
    });
    return { run, result };
  } finally {
    await engine.close();
  }
}

/** An engine that uses another learning rate at one step, counted from 1. */
export function withRateAt(engine: TrainingEngine, step: number, rate: number): TrainingEngine {
  let steps = 0;
  return {
    name: engine.name,
    get state() {
      return engine.state;
    },
    step: (images, targets, learningRate) =>
      engine.step(images, targets, ++steps === step ? rate : learningRate),
    load: (state) => engine.load(state),
    close: () => engine.close(),
  };
}

/** All of a checkpoint's tensors as bytes, by name: what bit-identical means. */
export async function checkpointBytes(
  run: RunDirectory,
  which: 'last' | 'best',
): Promise<Map<string, string>> {
  const { tensors } = await loadCheckpoint(run.checkpointPath(which));
  return new Map(
    [...tensors].map(([name, { data }]) => [
      name,
      Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
    ]),
  );
}
