import { UserError } from '../core/errors.ts';
import type { AugmentConfig } from './loader/augment/augment-config.ts';
import type { OptimizerSettings } from './optim/optimizer-config.ts';
import type { ProgressiveSettings } from './progressive/stages.ts';
import type { ScheduleSettings } from './schedule/command-line.ts';

/** What runs the training steps: onnxruntime, or TensorFlow.js on the native TensorFlow library. */
export const ENGINE_NAMES = ['ort', 'tfjs'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

/** Everything that decides a run's result; stored as its config.json. */
export interface TrainConfig extends AugmentConfig, OptimizerSettings, ScheduleSettings, ProgressiveSettings {
  model: string;
  dataset: string;
  /** Images trained on an epoch; fewer than the split where `--train-images` says so. */
  trainImages: number;
  epochs: number;
  batchSize: number;
  /** The schedule's peak. */
  learningRate: number;
  labelSmoothing: number;
  seed: number;
  engine: EngineName;
  /** Threads that each take a share of the batch; batch norm sees the share. */
  replicas: number;
  /** Parts that a share is worked through in, one after the other; default 1. */
  accumulate?: number;
  /** Class names by index. */
  labels: string[];
}

const KEYS: readonly (keyof TrainConfig)[] = [
  'model',
  'dataset',
  'trainImages',
  'epochs',
  'batchSize',
  'optimizer',
  'learningRate',
  'momentum',
  'nesterov',
  'weightDecay',
  'schedule',
  'warmupFraction',
  'labelSmoothing',
  'crop',
  'flip',
  'seed',
  'engine',
  'replicas',
  'labels',
];

/**
 * Reads a run's config.json back.
 * @throws UserError if a key is missing or the engine unknown
 */
export function parseTrainConfig(json: Record<string, unknown>, source: string): TrainConfig {
  const missing = KEYS.filter((key) => json[key] === undefined);
  if (missing.length > 0)
    throw new UserError(`${source} lacks ${missing.join(', ')}; it is not a training config`);
  const config = json as unknown as TrainConfig;
  if (!ENGINE_NAMES.includes(config.engine)) {
    throw new UserError(
      `${source} names the engine "${config.engine}"; there are ${ENGINE_NAMES.join(', ')}`,
    );
  }
  return config;
}
