import type { ParsedOptions } from '../core/cli/options.ts';
import type { ImageDataset } from '../core/data/dataset.ts';
import { DATASET_CHOICES } from '../core/data/load.ts';
import { UserError } from '../core/errors.ts';
import type { Graph } from '../core/onnx/graph.ts';
import { ENGINE_NAMES, type EngineName, type TrainConfig } from './config.ts';
import { chooseReplicas } from './engine/choose-replicas.ts';
import { DEVICE_CLI_OPTIONS } from './engine/providers/command-line.ts';
import type { AugmentConfig } from './loader/augment/augment-config.ts';
import { OPTIMIZER_CLI_OPTIONS, optimizerSettings } from './optim/command-line.ts';
import type { Precision } from './precision.ts';
import { parseStages } from './progressive/stages.ts';
import { SCHEDULE_CLI_OPTIONS, scheduleSettings } from './schedule/command-line.ts';

/** The options with which a command line says what to train on. */
export const DATA_CLI_OPTIONS = {
  dataset: { type: 'string', value: 'NAME', help: 'dataset', default: 'auto', choices: DATASET_CHOICES },
  data: {
    type: 'string',
    value: 'DIR',
    help: "folder or archive of the data; else CIFAR100_DIR, else ./data; an image folder's is train/<class>/, test/<class>/",
  },
  'image-size': {
    type: 'integer',
    help: 'height and width that the images of a folder get; default 32',
    min: 8,
    max: 512,
  },
} as const;

/** How it is trained; augmentation and seed are options of their own. */
export const RECIPE_CLI_OPTIONS = {
  epochs: { type: 'integer', help: 'passes over the training images', default: 30, min: 1 },
  'batch-size': { type: 'integer', help: 'images a step', default: 128, min: 1 },
  ...OPTIMIZER_CLI_OPTIONS,
  ...SCHEDULE_CLI_OPTIONS,
  'label-smoothing': {
    type: 'number',
    help: 'probability spread over all classes',
    default: 0,
    min: 0,
    max: 1,
  },
} as const;

export const TRAIN_IMAGES_CLI_OPTION = {
  'train-images': { type: 'integer', help: 'train on the first N images only', min: 1 },
} as const;

/** How the work is spread over the machine. */
export const MACHINE_CLI_OPTIONS = {
  engine: {
    type: 'string',
    value: 'NAME',
    help: 'what trains: onnxruntime, or TensorFlow.js, which npm run setup:tensorflow sets up',
    default: 'ort',
    choices: ENGINE_NAMES,
  },
  ...DEVICE_CLI_OPTIONS,
  replicas: {
    type: 'integer',
    help: 'threads that each train on a share of the batch; default: one a core for small nets; ort only',
    min: 1,
  },
  accumulate: {
    type: 'integer',
    help: 'work through a batch in so many parts and sum the gradients, to need less memory',
    default: 1,
    min: 1,
  },
  threads: { type: 'integer', help: 'threads of an operator; default: one a core', min: 1 },
  workers: { type: 'integer', help: 'threads that make batches', default: 1, min: 1 },
} as const;

/** What {@link makeConfig} needs of the parsed options. */
export type ConfigCliValues = ParsedOptions<
  typeof RECIPE_CLI_OPTIONS &
    typeof TRAIN_IMAGES_CLI_OPTION &
    Pick<typeof MACHINE_CLI_OPTIONS, 'replicas' | 'accumulate'>
> & {
  progressive?: string | undefined;
  engine?: string;
  provider?: string;
  precision?: string;
  stepsPerCall?: number | undefined;
};

/**
 * The config that the parsed options ask for.
 * @param given the options that were given and not left at their default
 * @throws UserError if two options contradict each other or the dataset has too few images
 */
export function makeConfig(
  options: ConfigCliValues,
  given: ReadonlySet<string>,
  augment: Required<AugmentConfig>,
  seed: number,
  model: Graph,
  dataset: ImageDataset,
): TrainConfig {
  const available = dataset.train.count;
  const trainImages = options.trainImages ?? available;
  if (trainImages > available) {
    throw new UserError(
      `--train-images ${trainImages} is more than the ${available} training images of ${dataset.name}`,
    );
  }
  if (trainImages < options.batchSize) {
    throw new UserError(
      `${trainImages} training images do not fill a batch of ${options.batchSize}; lower --batch-size`,
    );
  }
  const engine = (options.engine ?? MACHINE_CLI_OPTIONS.engine.default) as EngineName;
  if (engine === 'tfjs' && options.replicas !== undefined && options.replicas > 1) {
    throw new UserError(
      '--replicas is for --engine ort; tfjs has one device, whose operators use all cores; leave it out',
    );
  }
  const { provider = 'cpu', stepsPerCall = 1 } = options;
  const precision = (options.precision ?? 'fp32') as Precision;
  const wholeBatch = provider !== 'cpu' || precision !== 'fp32' || stepsPerCall > 1;
  return {
    model: model.name,
    dataset: dataset.name,
    trainImages,
    epochs: options.epochs,
    batchSize: options.batchSize,
    ...optimizerSettings(options, given),
    ...scheduleSettings(options, given, options.epochs),
    labelSmoothing: options.labelSmoothing,
    ...(options.progressive === undefined ? {} : { progressive: parseStages(options.progressive, dataset) }),
    ...augment,
    seed,
    engine,
    ...(precision === 'fp32' ? {} : { precision }),
    replicas:
      options.replicas ??
      (engine === 'ort' && !wholeBatch ? chooseReplicas(model, options.batchSize / options.accumulate) : 1),
    accumulate: options.accumulate,
    labels: dataset.labels,
  };
}
