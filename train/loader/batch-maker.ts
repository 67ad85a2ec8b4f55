import type { Normalization } from '../../core/data/dataset.ts';
import { Normalizer } from '../../core/preprocess/normalize.ts';
import { Random } from '../../core/random.ts';
import { type AugmentOptions, type AugmentPipeline, createPipeline } from './augment/pipeline.ts';
import { RandomStream } from './random-stream.ts';

/** What every batch of a loader is made from. */
export interface BatchSource {
  /** All images of the split, channel-planar bytes. */
  images: Uint8Array;
  labels: Uint16Array;
  height: number;
  width: number;
  normalization: Normalization;
  seed: number;
  augment: AugmentOptions;
}

/** Augments and normalises images into batches; runs in a worker, but needs none. */
export class BatchMaker {
  readonly #source: BatchSource;
  readonly #pipeline: AugmentPipeline;
  readonly #normalizer: Normalizer;
  readonly #image: Uint8Array;

  constructor(source: BatchSource) {
    this.#source = source;
    this.#pipeline = createPipeline(source.augment, source);
    this.#normalizer = new Normalizer(source.normalization);
    this.#image = new Uint8Array(3 * source.height * source.width);
  }

  /**
   * @param batch the batch's number in its epoch
   * @param indices the images to use
   * @param images written: indices.length * 3 * height * width values, NCHW
   * @param labels written: indices.length class indices
   */
  make(epoch: number, batch: number, indices: Uint32Array, images: Float32Array, labels: Int32Array): void {
    const { seed, height, width } = this.#source;
    const pixels = height * width;
    for (const [i, index] of indices.entries()) {
      this.#image.set(this.#source.images.subarray(index * 3 * pixels, (index + 1) * 3 * pixels));
      const random = new Random(seed, RandomStream.image, epoch, index);
      for (const transform of this.#pipeline.image) transform.apply(this.#image, random);
      this.#normalizer.planar(this.#image, 0, images, i * 3 * pixels, pixels);
      labels[i] = this.#source.labels[index]!;
    }
    if (this.#pipeline.batch.length === 0) return;
    const random = new Random(seed, RandomStream.batch, epoch, batch);
    const usedImages = images.subarray(0, indices.length * 3 * pixels);
    const usedLabels = labels.subarray(0, indices.length);
    for (const transform of this.#pipeline.batch) transform.apply(usedImages, usedLabels, random);
  }
}
