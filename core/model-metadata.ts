import { cleanText } from './cli/printable.ts';
import type { Normalization } from './data/dataset.ts';
import { UserError } from './errors.ts';
import { SCORE_KINDS, type ScoreKind } from './metrics/scores.ts';

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

/** How far a model of lower precision is that of the float32 weights it was made of. */
export interface Agreement {
  /** What was classified: `test images of <dataset>`, or `random images`. */
  on: string;
  images: number;
  /** On how many images both have the same best class. */
  top1Agreeing: number;
  /** Of test images: how many this model, and the float32 one, got right. */
  top1Correct?: number;
  referenceTop1Correct?: number;
}

export const PRECISIONS = ['fp32', 'fp16', 'int8'] as const;
export type Precision = (typeof PRECISIONS)[number];

const LAYOUTS = ['NCHW', 'NHWC'] as const;
const PREPROCESSORS = ['client', 'graph'] as const;

/**
 * What a classifier carries beside its graph, in the ONNX `metadata_props`, so that any client knows how to
 * feed it and read it. The graph has one input `input` (float32, [batch, 3, height, width], RGB, normalised)
 * and one output `logits` (float32, [batch, classes]), unless `inputLayout` or `preprocessing` say otherwise.
 */
export interface ClassifierMetadata extends Normalization {
  /** The zoo's name, e.g. `resnet20`. */
  model: string;
  /** The dataset it was trained on, e.g. `cifar100`. */
  dataset: string;
  labels: string[];
  /** `NHWC`: the input is [batch, height, width, 3]. */
  inputLayout: 'NCHW' | 'NHWC';
  colorSpace: 'RGB';
  inputHeight: number;
  inputWidth: number;
  /**
   * Who normalises. `graph`: the input is `images` (uint8, NHWC), the outputs are `probabilities` and
   * `indices` of the best classes. Absent: `client`.
   */
  preprocessing?: 'client' | 'graph';
  /** How `logits` become probabilities. Absent: `logits`, by a softmax. */
  scores?: ScoreKind;
  /** True of a model of another program that computes one image after the other, however many it is given. */
  oneByOne?: boolean;
  /** What the graph computes in; its float inputs and outputs are float32 in any case. Absent: `fp32`. */
  precision?: Precision;
  /** Measured by the trainer on the test split, in float32; absent for untrained weights. */
  accuracy?: ModelAccuracy;
  /** Of a model of lower precision, with its float32 original. */
  agreement?: Agreement;
  /** The training run's configuration, as in its config.json. */
  trainingConfig?: Record<string, unknown>;
  /** Whose the weights are, or those they were made of, and on what terms; absent for this project's own. */
  licence?: string;
}

/** The key by which our own files are told from others', with the version of what we write. */
const OWN_KEY = 'onnx_classifier.format';

/** What every file of ours has that was written before there was {@link OWN_KEY}. */
const KEYS_BEFORE: Readonly<Record<string, RegExp>> = {
  model: /./,
  dataset: /./,
  labels: /^\[/,
  mean: /^\[/,
  std: /^\[/,
  input_layout: /^N(CHW|HWC)$/,
  color_space: /^RGB$/,
  input_height: /^\d+$/,
  input_width: /^\d+$/,
};

/** Every key that {@link encodeMetadata} may write, with a meaning that others' keys of the name do not have. */
const OWN_KEYS: ReadonlySet<string> = new Set([
  ...[OWN_KEY, ...Object.keys(KEYS_BEFORE), 'resize', 'pixel_scale', 'preprocessing', 'precision', 'scores'],
  ...['batching', 'accuracy', 'agreement', 'training_config', 'licence'],
]);

/** Whether a key of `metadata_props` would be read as ours in a file of ours. */
export function isOwnKey(key: string): boolean {
  return OWN_KEYS.has(key);
}

/** Whether `metadata_props` are ours; other programs have keys such as `labels` and `mean` too. */
export function isOurs(props: Readonly<Record<string, string>>): boolean {
  if (props[OWN_KEY] !== undefined) return true;
  return Object.entries(KEYS_BEFORE).every(([key, form]) => form.test(props[key] ?? ''));
}

/** Encodes metadata as the string pairs of `metadata_props`; keys are snake_case, compound values JSON. */
export function encodeMetadata(metadata: ClassifierMetadata): Record<string, string> {
  const props: Record<string, string> = {
    [OWN_KEY]: '1',
    model: metadata.model,
    dataset: metadata.dataset,
    labels: JSON.stringify(metadata.labels),
    mean: JSON.stringify(metadata.mean),
    std: JSON.stringify(metadata.std),
    input_layout: metadata.inputLayout,
    color_space: metadata.colorSpace,
    input_height: String(metadata.inputHeight),
    input_width: String(metadata.inputWidth),
    // How a picture becomes the input, for readers of other makes: `core/preprocess` knows no other way.
    resize: 'bilinear, antialiased',
    pixel_scale: '1/255',
  };
  if (metadata.preprocessing) props.preprocessing = metadata.preprocessing;
  if (metadata.scores && metadata.scores !== 'logits') props.scores = metadata.scores;
  if (metadata.oneByOne) props.batching = 'one by one';
  if (metadata.precision) props.precision = metadata.precision;
  if (metadata.accuracy) props.accuracy = JSON.stringify(metadata.accuracy);
  if (metadata.trainingConfig) props.training_config = JSON.stringify(metadata.trainingConfig);
  if (metadata.agreement) props.agreement = JSON.stringify(metadata.agreement);
  if (metadata.licence) props.licence = metadata.licence;
  return props;
}

/**
 * Reads the metadata of a model that takes normalised NCHW images and gives logits, which is what the server
 * and the page run.
 * @param source what to call the model in an error, e.g. its path
 * @throws UserError if a key is missing or malformed, or the model takes other input
 */
export function decodeMetadata(props: Readonly<Record<string, string>>, source: string): ClassifierMetadata {
  const metadata = decodeAnyMetadata(props, source);
  if (metadata.preprocessing === 'graph') {
    throw new UserError(`${source} normalises and ranks by itself; export it without --preprocess for this`);
  }
  if (metadata.inputLayout !== 'NCHW') {
    throw new UserError(`${source} takes NHWC images; export it with --layout nchw for this`);
  }
  return metadata;
}

/**
 * Reads the metadata of any model that `npm run export` writes.
 * @throws UserError if a key is missing or malformed
 */
export function decodeAnyMetadata(
  props: Readonly<Record<string, string>>,
  source: string,
): ClassifierMetadata {
  const reader = new PropsReader(props, source);
  // From here on it is shown and passed on, by whomever it was written.
  const labels = reader.names('labels').map(cleanText);
  const inputLayout = reader.choice('input_layout', LAYOUTS);
  const colorSpace = reader.choice('color_space', ['RGB']);
  const std = reader.triple('std');
  if (std.some((value) => value <= 0)) throw new UserError(`${source}: metadata "std" must be positive`);
  const metadata: ClassifierMetadata = {
    model: cleanText(reader.text('model')),
    dataset: cleanText(reader.text('dataset')),
    labels,
    mean: reader.triple('mean'),
    std,
    inputLayout,
    colorSpace,
    inputHeight: reader.size('input_height'),
    inputWidth: reader.size('input_width'),
  };
  if (reader.has('preprocessing')) metadata.preprocessing = reader.choice('preprocessing', PREPROCESSORS);
  if (reader.has('scores')) metadata.scores = reader.choice('scores', SCORE_KINDS);
  if (reader.has('batching')) metadata.oneByOne = reader.choice('batching', ['one by one']) === 'one by one';
  if (reader.has('precision')) metadata.precision = reader.choice('precision', PRECISIONS);
  if (reader.has('accuracy')) metadata.accuracy = reader.json('accuracy') as ModelAccuracy;
  if (reader.has('licence')) metadata.licence = cleanText(reader.text('licence'));
  if (reader.has('agreement')) metadata.agreement = reader.json('agreement') as Agreement;
  if (reader.has('training_config')) {
    metadata.trainingConfig = reader.json('training_config') as Record<string, unknown>;
  }
  return metadata;
}

/** Reads values out of a model's `metadata_props`, with errors that name model and key. */
class PropsReader {
  readonly #props: Readonly<Record<string, string>>;
  readonly #source: string;

  /** @param source what to call the model in an error, e.g. its path */
  constructor(props: Readonly<Record<string, string>>, source: string) {
    this.#props = props;
    this.#source = source;
  }

  has(key: string): boolean {
    return this.#props[key] !== undefined;
  }

  /** @throws UserError, as all that follow, if the key is missing or its value malformed */
  text(key: string): string {
    const value = this.#props[key];
    if (value === undefined) {
      throw new UserError(`${this.#source} has no metadata "${key}"; export it with npm run export`);
    }
    return value;
  }

  json(key: string): unknown {
    const text = this.text(key);
    try {
      return JSON.parse(text);
    } catch {
      throw new UserError(`${this.#source}: metadata "${key}" is not JSON`);
    }
  }

  /** One of some words. */
  choice<T extends string>(key: string, choices: readonly T[]): T {
    const value = this.text(key);
    const choice = choices.find((known) => known === value);
    if (choice !== undefined) return choice;
    throw new UserError(`${this.#source}: metadata "${key}" must be ${choices.join(' or ')}`);
  }

  triple(key: string): [number, number, number] {
    const value = this.json(key);
    if (!Array.isArray(value) || value.length !== 3 || !value.every((v) => Number.isFinite(v))) {
      throw new UserError(`${this.#source}: metadata "${key}" must be three numbers`);
    }
    return value as [number, number, number];
  }

  /** A size in pixels. */
  size(key: string): number {
    const value = Number(this.text(key));
    if (!Number.isInteger(value) || value < 1 || value > 4096) {
      throw new UserError(`${this.#source}: metadata "${key}" must be a size in pixels from 1 to 4096`);
    }
    return value;
  }

  names(key: string): string[] {
    const value = this.json(key);
    if (!Array.isArray(value) || value.length === 0 || !value.every((name) => typeof name === 'string')) {
      throw new UserError(`${this.#source}: metadata "${key}" must be a list of names`);
    }
    return value;
  }
}
