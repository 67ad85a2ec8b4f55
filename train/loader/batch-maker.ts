import type { Normalization } from '../../core/data/dataset.ts';
import { Normalizer } from '../../core/preprocess/normalize.ts';
import { Random } from '../../core/random.ts';
import { fillTargets } from '../targets.ts';
import type { AugmentOptions } from './augment/options.ts';
import { type AugmentPipeline, createPipeline } from './augment/pipeline.ts';
import type { BatchMix } from './augment/transform.ts';
import type { BatchBuffers } from './protocol.ts';
import { RandomStream } from './random-stream.ts';

/** What every batch of a loader is made from. */
export interface BatchSource {
  /** All images of the split, channel-planar bytes. */
  images: Uint8Array;
  labels: Uint16Array;
  height: number;
  width: number;
  normalization: Normalization;
  /** Number of classes; every label is below it. */
  classes: number;
  labelSmoothing: number;
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
   * @param buffers written as far as indices.length images reach
   */
  make(epoch: number, batch: number, indices: Uint32Array, buffers: BatchBuffers): void {
    const size = indices.length;
    for (let i = 0; i < size; i++) this.#makeImage(epoch, indices[i]!, buffers.images, i);
    const labels = buffers.labels.subarray(0, size);
    for (let i = 0; i < size; i++) labels[i] = this.#source.labels[indices[i]!]!;
    const mix = this.#mix(epoch, batch, buffers.images.subarray(0, size * this.#image.length), size);
    const { classes, labelSmoothing } = this.#source;
    fillTargets(labels, classes, buffers.targets.subarray(0, size * classes), labelSmoothing, mix);
  }

  /** Augments and normalises image `index` of the split into place `at` of the batch. */
  #makeImage(epoch: number, index: number, images: Float32Array, at: number): void {
    const { seed, height, width } = this.#source;
    const length = this.#image.length;
    this.#image.set(this.#source.images.subarray(index * length, (index + 1) * length));
    const random = new Random(seed, RandomStream.image, epoch, index);
    for (const transform of this.#pipeline.image) transform.apply(this.#image, random);
    this.#normalizer.planar(this.#image, 0, images, at * length, height * width);
    for (const transform of this.#pipeline.tensor) transform.apply(images, at * length, random);
  }

  #mix(epoch: number, batch: number, images: Float32Array, size: number): BatchMix | undefined {
    if (this.#pipeline.batch.length === 0) return undefined;
    const random = new Random(this.#source.seed, RandomStream.batch, epoch, batch);
    for (const transform of this.#pipeline.batch) {
      const mix = transform.apply(images, size, random);
      if (mix) return mix;
    }
    return undefined;
  }
}
