import type { Random } from '../../../core/random.ts';
import type { ImageSize, ImageTransform } from './transform.ts';

/**
 * Pads each side with black (byte 0, before normalisation, like torchvision's RandomCrop) and cuts a window
 * of the original size from a uniformly random place.
 */
export class RandomCrop implements ImageTransform {
  readonly #size: ImageSize;
  readonly #padding: number;
  readonly #original: Uint8Array;

  /** @param padding pixels added on each side */
  constructor(size: ImageSize, padding: number) {
    this.#size = size;
    this.#padding = padding;
    this.#original = new Uint8Array(3 * size.height * size.width);
  }

  apply(image: Uint8Array, random: Random): void {
    const { height, width } = this.#size;
    // How far the window lies below and to the right of the unpadded image; negative: above, to the left.
    const down = random.integer(2 * this.#padding + 1) - this.#padding;
    const right = random.integer(2 * this.#padding + 1) - this.#padding;
    if (down === 0 && right === 0) return;
    this.#original.set(image);
    image.fill(0);
    const fromX = Math.max(0, right);
    const toX = Math.min(width, width + right);
    // Padding can exceed the image, and then the window may miss it.
    if (fromX >= toX) return;
    for (let c = 0; c < 3; c++) {
      for (let y = Math.max(0, -down); y < Math.min(height, height - down); y++) {
        const source = (c * height + y + down) * width;
        const target = (c * height + y) * width - right;
        for (let x = fromX; x < toX; x++) image[target + x] = this.#original[source + x]!;
      }
    }
  }
}
