import type { Random } from '../../../core/random.ts';
import type { ImageSize, ImageTransform } from './transform.ts';

/** Mirrors every other image, at random, left to right. */
export class HorizontalFlip implements ImageTransform {
  readonly #size: ImageSize;

  constructor(size: ImageSize) {
    this.#size = size;
  }

  apply(image: Uint8Array, random: Random): void {
    if (random.uniform() >= 0.5) return;
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
