import type { Random } from '../../../core/random.ts';

/** Height and width in pixels. */
export interface ImageSize {
  height: number;
  width: number;
}

/**
 * Changes one image before it is normalised. `random` depends on seed, epoch and image alone, so a transform
 * may draw from it as often as it likes.
 */
export interface ImageTransform {
  /** @param image 3 * height * width bytes, channel-planar, changed in place */
  apply(image: Uint8Array, random: Random): void;
}

/** Changes a whole normalised batch, e.g. mixes images; `random` depends on seed, epoch and batch alone. */
export interface BatchTransform {
  /**
   * @param images size * 3 * height * width values, NCHW, changed in place
   * @param labels size class indices
   */
  apply(images: Float32Array, labels: Int32Array, random: Random): void;
}
