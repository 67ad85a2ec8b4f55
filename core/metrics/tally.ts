import { formatPercent } from '../cli/format.ts';
import type { OptionTable } from '../cli/options.ts';
import type { ImageDataset } from '../data/dataset.ts';
import { UserError } from '../errors.ts';
import type { ModelAccuracy } from '../model-metadata.ts';
import { ClassificationMetrics } from './classification-metrics.ts';
import { ConfusionMatrix } from './confusion-matrix.ts';
import { fewClasses } from './few-classes.ts';

/** The options that all commands have which measure a model on test images. */
export const TALLY_OPTIONS = {
  limit: { type: 'integer', help: 'only the first N images', min: 1 },
  'without-duplicates': {
    type: 'boolean',
    help: 'also count without the test images whose pixels stand in the training set',
    default: false,
  },
  'skip-broken': {
    type: 'boolean',
    help: 'leave out image files that cannot be read, and say so',
    default: false,
  },
  'class-map': {
    type: 'string',
    value: 'FILE',
    help: 'for an image folder whose classes are called otherwise than the model\'s: JSON, {"class of the data": "class of the model"}; upper case is no difference',
  },
  json: { type: 'boolean', help: 'print the result as JSON only' },
} as const satisfies OptionTable;

/** @throws UserError if there are no training images that `--without-duplicates` could compare the test images with */
export function checkHasTraining({ name, train }: Pick<ImageDataset, 'name' | 'train'>): void {
  if (train.count > 0) return;
  throw new UserError(
    `the data (${name}) has no training images to compare with; leave out --without-duplicates, or give --data with train/<class>/ and test/<class>/`,
  );
}

/** What is counted a second time, without the images that were left out. */
export type WithoutDuplicates = ModelAccuracy & { leftOut: number };

/** What a model gets right on a test split and what it takes each class for, counted as the images come. */
export class Tally {
  readonly matrix: ConfusionMatrix;
  readonly #all: ClassificationMetrics;
  readonly #others: ClassificationMetrics;
  readonly #leaveOut: ReadonlySet<number> | undefined;

  /** @param leaveOut images, by their place in the split, that the second count leaves out */
  constructor(classes: number, leaveOut?: ReadonlySet<number>) {
    this.matrix = new ConfusionMatrix(classes);
    this.#all = new ClassificationMetrics(classes);
    this.#others = new ClassificationMetrics(classes);
    this.#leaveOut = leaveOut;
  }

  /**
   * Counts a batch.
   * @param logits [n, classes]
   * @param first the place in the split of its first image
   */
  add(logits: Float32Array, labels: Int32Array, n: number, first: number): void {
    const { classes } = this.matrix;
    this.#all.add(logits, labels, n);
    this.matrix.add(logits, labels, n);
    for (let i = 0; this.#leaveOut && i < n; i++) {
      if (this.#leaveOut.has(first + i)) continue;
      this.#others.add(logits.subarray(i * classes, (i + 1) * classes), labels.subarray(i, i + 1), 1);
    }
  }

  /** Counts the image at a place whose best classes are known, best first; it adds nothing to the loss. */
  addRanked(ranked: readonly number[], label: number, place: number): void {
    this.#all.addRanked(ranked, label);
    this.matrix.count(label, ranked[0]);
    if (this.#leaveOut && !this.#leaveOut.has(place)) this.#others.addRanked(ranked, label);
  }

  get accuracy(): ModelAccuracy {
    return this.#all.result();
  }

  /** Undefined where nothing was to be left out. */
  get withoutDuplicates(): WithoutDuplicates | undefined {
    if (!this.#leaveOut) return undefined;
    const counted = this.#others.result();
    return { ...counted, leftOut: this.accuracy.images - counted.images };
  }
}

/** The lines that say a top-1 to people, and a top-5 where the classes are enough for one. */
export function describeAccuracy(
  {
    top1,
    top1Correct,
    top5,
    top5Correct,
    images,
  }: Pick<ModelAccuracy, 'top1' | 'top1Correct' | 'top5' | 'top5Correct' | 'images'>,
  labels: readonly unknown[],
  indent = '',
): string[] {
  const line = (name: string, share: number, right: number): string =>
    `${indent}${name.padEnd(12 - indent.length)}${formatPercent(share)} (${right} of ${images})`;
  const best = line('top-1', top1, top1Correct);
  return fewClasses(labels) ? [best] : [best, line('top-5', top5, top5Correct)];
}

/** The lines that say a second count to people. */
export function describeWithoutDuplicates(
  others: (Omit<WithoutDuplicates, 'loss'> & { loss?: number }) | undefined,
  labels: readonly unknown[],
): string[] {
  if (!others) return [];
  if (others.leftOut === 0) return ['no test image stands in the training set'];
  return [
    `without the ${others.leftOut} test images that stand in the training set, ${others.images} images`,
    ...(others.loss === undefined ? [] : [`  loss      ${others.loss.toFixed(4)}`]),
    ...describeAccuracy(others, labels, '  '),
  ];
}

/**
 * Refuses to measure a classifier on a dataset that it is not for, whose every score would be meaningless.
 * @param who what to call it, e.g. `the server's model`
 * @throws UserError unless it has the dataset's class names in the same order, of which a picture shows one
 */
export function checkComparable(
  model: { labels: readonly string[]; scores?: string | undefined },
  dataset: Pick<ImageDataset, 'name' | 'labels'>,
  who: string,
): void {
  const { labels, scores } = model;
  if (scores === 'independent') {
    throw new UserError(
      `${who} gives every class a probability of its own, as a picture may show several: top-1 of pictures ` +
        'with one class each says nothing of it; if its classes do exclude each other, export it with "scores": "probabilities"',
    );
  }
  if (labels.length !== dataset.labels.length) {
    throw new UserError(
      `${who} has ${labels.length} classes but ${dataset.name} has ${dataset.labels.length}; ` +
        'evaluate it on the dataset it was trained on',
    );
  }
  const differing = labels.findIndex((label, i) => label !== dataset.labels[i]);
  if (differing >= 0) {
    throw new UserError(
      `class ${differing} of ${who} is "${labels[differing]}" but that of ${dataset.name} is ` +
        `"${dataset.labels[differing]}"; evaluate it on the dataset it was trained on`,
    );
  }
}
