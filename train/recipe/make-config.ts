import * as z from 'zod/mini';
import { nearest } from '../../core/cli/options.ts';
import type { ImageDataset } from '../../core/data/dataset.ts';
import { UserError } from '../../core/errors.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import { chooseReplicas } from '../engine/choose-replicas.ts';
import { enlarges, sizeSeen } from '../fine-tune/enlarge.ts';
import { checkStages } from '../progressive/stages.ts';
import { type Recipe, recipeSchema, type Settings, type TrainConfig } from './settings.ts';

type OptimizerName = Settings['optimizer'];
/** PyTorch's weight decays: what recipes use with SGD, and AdamW's default; Adam has none by default. */
const DEFAULT_WEIGHT_DECAY: Record<OptimizerName, number> = { sgd: 5e-4, adam: 0, adamw: 0.01 };
/** Peak learning rates that suit the optimisers with a one-cycle schedule. */
const DEFAULT_LEARNING_RATE: Record<OptimizerName, number> = { sgd: 0.1, adam: 0.001, adamw: 0.001 };

/** Settings of which those are settled that depend on others. */
export type SettledRecipe = Settings & Pick<TrainConfig, 'learningRate' | 'weightDecay' | 'milestones'>;

/**
 * A recipe with its defaults.
 * @throws UserError if two settings contradict each other
 */
export function settle(recipe: Recipe): SettledRecipe {
  const settings = z.parse(recipeSchema, recipe);
  const { optimizer, schedule, epochs, augment } = settings;
  if (optimizer !== 'sgd' && (recipe.momentum !== undefined || settings.nesterov)) {
    throw new UserError(
      `--momentum and --nesterov are options of sgd; leave them out with --optim ${optimizer}`,
    );
  }
  if (settings.nesterov && settings.momentum === 0)
    throw new UserError('--nesterov needs a --momentum above 0');
  if (schedule !== 'multistep' && (recipe.milestones !== undefined || recipe.gamma !== undefined)) {
    throw new UserError(`--milestones and --gamma are options of --schedule multistep, not of ${schedule}`);
  }
  if (schedule !== 'onecycle' && settings.cycleMomentum) {
    throw new UserError(`--cycle-momentum is an option of --schedule onecycle, not of ${schedule}`);
  }
  const none = augment === 'none';
  if (none && (recipe.crop || recipe.flip || settings.resizedCrop > 0 || settings.colorJitter.length > 0)) {
    throw new UserError(
      '--augment none takes images as they are; leave out --crop, --resized-crop, --flip and --color-jitter',
    );
  }
  if (settings.alternateFlip && (none || !settings.flip)) {
    throw new UserError('--alternate-flip is a way to flip images, which are not flipped; leave it out');
  }
  if (recipe.teacherWeight !== undefined && settings.teacher === undefined) {
    throw new UserError('--teacher-weight is the share of a --teacher; say which one, or leave it out');
  }
  if (settings.resizedCrop > 0 && recipe.crop) {
    throw new UserError('--crop and --resized-crop are two ways to cut images; leave one of them out');
  }
  return {
    ...settings,
    learningRate: settings.learningRate ?? DEFAULT_LEARNING_RATE[optimizer],
    weightDecay: settings.weightDecay ?? DEFAULT_WEIGHT_DECAY[optimizer],
    milestones: settings.milestones ?? defaultMilestones(epochs),
    ...(none ? { crop: 0, flip: false } : {}),
    ...(settings.resizedCrop > 0 && { crop: 0 }),
  };
}

/** @throws UserError if class weights are not of these classes */
function checkWeights(weights: Settings['classWeights'], labels: readonly string[]): void {
  if (weights === undefined || weights === 'balanced') return;
  if (Array.isArray(weights)) {
    if (weights.length !== labels.length) {
      throw new UserError(
        `--class-weights has ${weights.length} numbers for ${labels.length} classes; give one a class, or NAME=W of some`,
      );
    }
  } else {
    const unknown = Object.keys(weights).find((name) => !labels.includes(name));
    if (unknown !== undefined) {
      const near = nearest(unknown, labels);
      const hint =
        near === undefined ? `there are ${labels.slice(0, 10).join(', ')}` : `did you mean ${near}?`;
      throw new UserError(`--class-weights: there is no class "${unknown}"; ${hint}`);
    }
  }
  const each = labels.map((label, i) => (Array.isArray(weights) ? weights[i]! : (weights[label] ?? 1)));
  if (each.every((weight) => weight === 0)) throw new UserError('--class-weights: some class must count');
}

/** At a half and three quarters; a run too short for both has one or none, and never begins at a lowered rate. */
function defaultMilestones(epochs: number): number[] {
  const milestones = new Set([Math.floor(epochs / 2), Math.floor((3 * epochs) / 4)]);
  return [...milestones].filter((epoch) => epoch > 0);
}

/** Steps that an epoch of a small dataset gets at least, and images that batch norm needs in a batch. */
const FEWEST_STEPS = 4;
const SMALLEST_BATCH = 8;

/** A recipe whose batch the training images do not fill, with one that gives an epoch some steps. */
export function fitBatch(recipe: Recipe, dataset: ImageDataset, say: (line: string) => void): Recipe {
  const { batchSize, trainImages = dataset.train.count } = settle(recipe);
  if (trainImages >= batchSize || trainImages > dataset.train.count) return recipe;
  const fitting = Math.max(SMALLEST_BATCH, 2 ** Math.floor(Math.log2(trainImages / FEWEST_STEPS)));
  const fitted = Math.min(trainImages, fitting);
  say(
    `${trainImages} training images do not fill a batch of ${batchSize}; training in batches of ${fitted} (--batch-size chooses)`,
  );
  return { ...recipe, batchSize: fitted };
}

/**
 * The config of a run that trains a model on a dataset by a recipe.
 * @throws UserError if two settings contradict each other or the dataset does not go with them
 */
export function makeConfig(recipe: Recipe, graph: Graph, dataset: ImageDataset): TrainConfig {
  const { provider, stepsPerCall = 1, threads: _, workers: __, ...settings } = settle(recipe);
  const { batchSize, engine, precision, accumulate, progressive } = settings;
  const available = dataset.train.count;
  const trainImages = settings.trainImages ?? available;
  if (trainImages > available) {
    throw new UserError(
      `--train-images ${trainImages} is more than the ${available} training images of ${dataset.name}`,
    );
  }
  if (trainImages < batchSize) {
    throw new UserError(
      `${trainImages} training images do not fill a batch of ${batchSize}; lower --batch-size`,
    );
  }
  if (engine === 'tfjs' && settings.replicas !== undefined && settings.replicas > 1) {
    throw new UserError(
      '--replicas is for --engine ort; tfjs has one device, whose operators use all cores; leave it out',
    );
  }
  if (settings.plainEpochs > settings.epochs) {
    throw new UserError(
      `--plain-epochs ${settings.plainEpochs} is more than the ${settings.epochs} epochs of the run`,
    );
  }
  checkWeights(settings.classWeights, dataset.labels);
  checkStages(progressive, enlarges(graph) ? { height: sizeSeen(graph), width: sizeSeen(graph) } : dataset);
  const wholeBatch = provider !== 'cpu' || precision !== 'fp32' || stepsPerCall > 1;
  return {
    ...settings,
    model: graph.name,
    dataset: dataset.name,
    trainImages,
    replicas:
      settings.replicas ??
      (engine === 'ort' && !wholeBatch ? chooseReplicas(graph, batchSize / accumulate) : 1),
    labels: dataset.labels,
  };
}
