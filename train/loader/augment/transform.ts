import type { Random } from '../../../core/random.ts';

/** Height and width in pixels. */
export interface ImageSize {
  height: number;
  width: number;
}

/** Which image is changed, and when. */
export interface Occasion {
  seed: number;
  epoch: number;
  /** Of the image in its split. */
  index: number;
}

/**
 * Changes one image before it is normalised. `random` depends on seed, epoch and image alone, so a transform
 * may draw from it as often as it likes.
 */
export interface ImageTransform {
  /** @param image 3 * height * width bytes, channel-planar, changed in place */
  apply(image: Uint8Array, random: Random, occasion?: Occasion): void;
}

/** Changes one image after it is normalised; `random` is the one that its {@link ImageTransform}s drew from. */
export interface TensorTransform {
  /** @param images the image's 3 * height * width values begin at `offset`; changed in place */
  apply(images: Float32Array, offset: number, random: Random): void;
}

/**
 * How a batch was mixed: image i is `lambda` of itself and `1 - lambda` of image `partner[i]`, and so is its
 * target.
 */
export interface BatchMix {
  lambda: number;
  /** A permutation of the batch. */
  partner: Uint32Array;
}

/** Mixes the images of a normalised batch; `random` depends on seed, epoch and batch alone. */
export interface BatchTransform {
  /**
   * @param images size * 3 * height * width values, NCHW, changed in place
   * @returns how they were mixed, or undefined if they were left alone
   */
  apply(images: Float32Array, size: number, random: Random): BatchMix | undefined;
}
