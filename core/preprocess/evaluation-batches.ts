import type { ImageSplit, Normalization } from '../data/dataset.ts';
import { Normalizer } from './normalize.ts';

export interface EvaluationBatch {
  /** `size * 3 * height * width` normalised values, NCHW. */
  images: Float32Array;
  /** `size` class indices. */
  labels: Int32Array;
  size: number;
}

/**
 * The images of a split in order, normalised, without augmentation; the last batch may be smaller. Every
 * batch has arrays of its own, so several may be in use at once.
 * @throws RangeError if `batchSize` is not a positive whole number
 */
export function* evaluationBatches(
  split: ImageSplit,
  normalization: Normalization,
  batchSize: number,
): Generator<EvaluationBatch, void, void> {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`batchSize must be a positive whole number, not ${batchSize}`);
  }
  const normalizer = new Normalizer(normalization);
  const imageLength = split.count === 0 ? 0 : split.images.length / split.count;
  for (let first = 0; first < split.count; first += batchSize) {
    const size = Math.min(batchSize, split.count - first);
    const images = new Float32Array(size * imageLength);
    for (let i = 0; i < size; i++) {
      normalizer.planar(split.images, (first + i) * imageLength, images, i * imageLength, imageLength / 3);
    }
    yield { images, labels: Int32Array.from(split.labels.subarray(first, first + size)), size };
  }
}
