import type { Normalization } from '../../core/data/dataset.ts';
import { Normalizer } from '../../core/preprocess/normalize.ts';
import { PlanarResizer } from '../../core/preprocess/planar-resizer.ts';
import { Random } from '../../core/random.ts';
import type { Teaching } from '../distillation.ts';
import type { Augmentation } from '../recipe/settings.ts';
import { fillTargets, teachingOf } from '../targets.ts';
import { type AugmentPipeline, createPipeline, plain } from './augment/pipeline.ts';
import type { BatchMix } from './augment/transform.ts';
import { RandomStream } from './random-stream.ts';

/** A batch's memory. It moves between the threads by transfer: no copy, and one owner at a time. */
export interface BatchBuffers {
  /** Room for a full batch of whole images, NCHW. */
  images: Float32Array<ArrayBuffer>;
  labels: Int32Array<ArrayBuffer>;
  /** Room for a full batch, [size, classes]. */
  targets: Float32Array<ArrayBuffer>;
}

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
  /** How much each class counts in the loss; absent: all alike. */
  classWeights?: readonly number[] | undefined;
  /** What a teacher says of the images. */
  teaching?: Teaching | undefined;
  seed: number;
  augment: Augmentation;
  /** The epoch from which on augmentation is plain; absent: none. */
  plainFrom?: number | undefined;
}

/** Images of one size: what is done to them from the resizing on. */
interface Output {
  pipeline: AugmentPipeline;
  /** Absent: images stay as they are. */
  resizer: PlanarResizer | undefined;
  /** Pixels of a channel. */
  pixels: number;
}

/** Augments and normalises images into batches; runs in a worker, but needs none. */
export class BatchMaker {
  readonly #source: BatchSource;
  readonly #normalizer: Normalizer;
  readonly #image: Uint8Array;
  readonly #outputs = new Map<string, Output>();

  constructor(source: BatchSource) {
    this.#source = source;
    this.#normalizer = new Normalizer(source.normalization);
    this.#image = new Uint8Array(3 * source.height * source.width);
  }

  /**
   * @param batch the batch's number in its epoch
   * @param indices the images to use
   * @param buffers written as far as indices.length images reach
   * @param imageSize height and width to resize to after augmentation; default: images stay as they are
   */
  make(epoch: number, batch: number, indices: Uint32Array, buffers: BatchBuffers, imageSize?: number): void {
    const size = indices.length;
    const output = this.#output(epoch, imageSize);
    for (let i = 0; i < size; i++) this.#makeImage(epoch, indices[i]!, output, buffers.images, i);
    const labels = buffers.labels.subarray(0, size);
    for (let i = 0; i < size; i++) labels[i] = this.#source.labels[indices[i]!]!;
    const images = buffers.images.subarray(0, size * 3 * output.pixels);
    const mix = this.#mix(epoch, batch, output.pipeline, images, size);
    const { classes, labelSmoothing: smoothing, classWeights: weights } = this.#source;
    const targets = buffers.targets.subarray(0, size * classes);
    const teaching = teachingOf(this.#source.teaching, indices, classes);
    fillTargets(labels, classes, targets, { smoothing, mix, weights, teaching });
  }

  #output(epoch: number, imageSize: number | undefined): Output {
    const { augment, plainFrom = Number.POSITIVE_INFINITY, height, width } = this.#source;
    const isPlain = epoch >= plainFrom;
    const key = `${imageSize} ${isPlain}`;
    const made = this.#outputs.get(key);
    if (made) return made;
    const whole = { height, width };
    const resized = imageSize === undefined ? whole : { height: imageSize, width: imageSize };
    const same = resized.height === height && resized.width === width;
    const output = {
      pipeline: createPipeline(isPlain ? plain(augment) : augment, whole, resized),
      resizer: same ? undefined : new PlanarResizer(whole, resized),
      pixels: resized.height * resized.width,
    };
    this.#outputs.set(key, output);
    return output;
  }

  /** Augments and normalises image `index` of the split into place `at` of the batch. */
  #makeImage(epoch: number, index: number, output: Output, images: Float32Array, at: number): void {
    const { pipeline, resizer, pixels } = output;
    const length = this.#image.length;
    this.#image.set(this.#source.images.subarray(index * length, (index + 1) * length));
    const { seed } = this.#source;
    const random = new Random(seed, RandomStream.image, epoch, index);
    for (const transform of pipeline.image) transform.apply(this.#image, random, { seed, epoch, index });
    const image = resizer ? resizer.resize(this.#image) : this.#image;
    const offset = at * 3 * pixels;
    this.#normalizer.planar(image, 0, images, offset, pixels);
    for (const transform of pipeline.tensor) transform.apply(images, offset, random);
  }

  #mix(
    epoch: number,
    batch: number,
    pipeline: AugmentPipeline,
    images: Float32Array,
    size: number,
  ): BatchMix | undefined {
    if (pipeline.batch.length === 0) return undefined;
    const random = new Random(this.#source.seed, RandomStream.batch, epoch, batch);
    for (const transform of pipeline.batch) {
      const mix = transform.apply(images, size, random);
      if (mix) return mix;
    }
    return undefined;
  }
}
