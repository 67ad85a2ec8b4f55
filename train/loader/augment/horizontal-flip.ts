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
    for (let row = 0; row < 3 * height; row++) image.subarray(row * width, (row + 1) * width).reverse();
  }
}
