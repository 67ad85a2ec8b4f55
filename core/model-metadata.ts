import type { Normalization } from './data/dataset.ts';
import { UserError } from './errors.ts';

/** Accuracy on a test split; fractions in [0, 1], loss in nats. */
export interface ModelAccuracy {
  top1: number;
  top5: number;
  loss: number;
  /** How many test images were counted, and how many of them were right. */
  images: number;
  top1Correct: number;
  top5Correct: number;
}

/**
 * What a classifier carries beside its graph, in the ONNX `metadata_props`, so that any client knows how to
 * feed it and read it. The graph has one input `input` (float32, [batch, 3, height, width], RGB, normalised)
 * and one output `logits` (float32, [batch, classes]).
 */
export interface ClassifierMetadata extends Normalization {
  /** The zoo's name, e.g. `resnet20`. */
  model: string;
  /** The dataset it was trained on, e.g. `cifar100`. */
  dataset: string;
  labels: string[];
  inputLayout: 'NCHW';
  colorSpace: 'RGB';
  inputHeight: number;
  inputWidth: number;
  /** Measured by the trainer on the test split; absent for untrained weights. */
  accuracy?: ModelAccuracy;
  /** The training run's configuration, as in its config.json. */
  trainingConfig?: Record<string, unknown>;
}

/** Encodes metadata as the string pairs of `metadata_props`; keys are snake_case, compound values JSON. */
export function encodeMetadata(metadata: ClassifierMetadata): Record<string, string> {
  const props: Record<string, string> = {
    model: metadata.model,
    dataset: metadata.dataset,
    labels: JSON.stringify(metadata.labels),
    mean: JSON.stringify(metadata.mean),
    std: JSON.stringify(metadata.std),
    input_layout: metadata.inputLayout,
    color_space: metadata.colorSpace,
    input_height: String(metadata.inputHeight),
    input_width: String(metadata.inputWidth),
  };
  if (metadata.accuracy) props.accuracy = JSON.stringify(metadata.accuracy);
  if (metadata.trainingConfig) props.training_config = JSON.stringify(metadata.trainingConfig);
  return props;
}

/**
 * Reads metadata back from `metadata_props`.
 * @param source what to call the model in an error, e.g. its path
 * @throws UserError if a key is missing or malformed
 */
export function decodeMetadata(props: Readonly<Record<string, string>>, source: string): ClassifierMetadata {
  const text = (key: string): string => {
    const value = props[key];
    if (value === undefined) {
      throw new UserError(`${source} has no metadata "${key}"; export it with npm run export`);
    }
    return value;
  };
  const json = (key: string): unknown => {
    try {
      return JSON.parse(text(key));
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(`${source}: metadata "${key}" is not JSON`);
    }
  };
  const triple = (key: string): [number, number, number] => {
    const value = json(key);
    if (!Array.isArray(value) || value.length !== 3 || !value.every((v) => Number.isFinite(v))) {
      throw new UserError(`${source}: metadata "${key}" must be three numbers`);
    }
    return value as [number, number, number];
  };
  const size = (key: string): number => {
    const value = Number(text(key));
    if (!Number.isInteger(value) || value < 1 || value > 4096) {
      throw new UserError(`${source}: metadata "${key}" must be a size in pixels from 1 to 4096`);
    }
    return value;
  };
  const labels = json('labels');
  if (!Array.isArray(labels) || labels.length === 0 || !labels.every((label) => typeof label === 'string')) {
    throw new UserError(`${source}: metadata "labels" must be a list of names`);
  }
  if (text('input_layout') !== 'NCHW' || text('color_space') !== 'RGB') {
    throw new UserError(`${source}: only NCHW RGB models are supported`);
  }
  const std = triple('std');
  if (std.some((value) => value <= 0)) throw new UserError(`${source}: metadata "std" must be positive`);
  const metadata: ClassifierMetadata = {
    model: text('model'),
    dataset: text('dataset'),
    labels,
    mean: triple('mean'),
    std,
    inputLayout: 'NCHW',
    colorSpace: 'RGB',
    inputHeight: size('input_height'),
    inputWidth: size('input_width'),
  };
  if (props.accuracy !== undefined) metadata.accuracy = json('accuracy') as ModelAccuracy;
  if (props.training_config !== undefined) {
    metadata.trainingConfig = json('training_config') as Record<string, unknown>;
  }
  return metadata;
}
