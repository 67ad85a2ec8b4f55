import { HorizontalFlip } from './horizontal-flip.ts';
import { RandomCrop } from './random-crop.ts';
import type { BatchTransform, ImageSize, ImageTransform } from './transform.ts';

/** Which augmentations to apply; plain data, for it is sent to the workers. */
export interface AugmentOptions {
  /** Random crop after padding each side by so many pixels. */
  crop: { padding: number } | false;
  /** Random horizontal flip. */
  flip: boolean;
}

/** The transforms in the order they are applied: each image's, then the batch's. */
export interface AugmentPipeline {
  image: ImageTransform[];
  batch: BatchTransform[];
}

/** A transform is added here, and its switch to {@link AugmentOptions}. */
export function createPipeline(options: AugmentOptions, size: ImageSize): AugmentPipeline {
  const image: ImageTransform[] = [];
  if (options.crop && options.crop.padding > 0) image.push(new RandomCrop(size, options.crop.padding));
  if (options.flip) image.push(new HorizontalFlip(size));
  return { image, batch: [] };
}
