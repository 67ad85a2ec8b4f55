import { Random } from '../../../core/random.ts';
import type { Augmentation } from '../../recipe/settings.ts';
import { RandomStream } from '../random-stream.ts';
import type { ImageSize, ImageTransform, Occasion } from './transform.ts';

/** Mirrors every other image left to right. */
export class HorizontalFlip implements ImageTransform {
  readonly #size: ImageSize;
  readonly #alternate: boolean;

  /** @param alternate see {@link isFlipped} */
  constructor(size: ImageSize, { alternate = false } = {}) {
    this.#size = size;
    this.#alternate = alternate;
  }

  apply(image: Uint8Array, random: Random, occasion?: Occasion): void {
    if (!isFlipped(random, this.#alternate ? occasion : undefined)) return;
    const { height, width } = this.#size;
    // A loop and not `reverse` of subarrays: that would make an object a row.
    for (let row = 0; row < 3 * height; row++) {
      for (let left = row * width, right = left + width - 1; left < right; left++, right--) {
        const swapped = image[left]!;
        image[left] = image[right]!;
        image[right] = swapped;
      }
    }
  }
}

/** Whether a run mirrors images at all. */
export function flipsImages({ augment, flip }: Pick<Augmentation, 'augment' | 'flip'>): boolean {
  return augment !== 'none' && flip;
}

/**
 * Whether an image is mirrored: drawn each time, or, where the occasion is given, once for the image, which then is
 * mirrored in every second epoch, so that two epochs have it both ways (Jordan 2024, arXiv:2404.00498, section 3.6).
 * @param random the image's own in this epoch
 */
export function isFlipped(random: Random, occasion?: Occasion): boolean {
  if (!occasion) return random.uniform() < 0.5;
  const { seed, epoch, index } = occasion;
  return new Random(seed, RandomStream.flip, index).uniform() < 0.5 === (epoch % 2 === 0);
}
