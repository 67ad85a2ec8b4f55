import type { Random } from '../../../core/random.ts';
import type { ImageSize, TensorTransform } from './transform.ts';

/** Share of the image's area that is erased, uniform. */
const SCALE = [0.02, 0.33] as const;
/** Height by width of the rectangle, uniform in its logarithm. */
const RATIO = [0.3, 3.3] as const;
/** After so many rectangles that do not fit, the image is left as it is. */
const ATTEMPTS = 10;

/**
 * Random Erasing (Zhong et al. 2020, arXiv:1708.04896) as torchvision's `RandomErasing` with its default scale,
 * ratio and value: sets a random rectangle to 0 after normalisation, that is, to the mean colour.
 */
export class RandomErasing implements TensorTransform {
  readonly #size: ImageSize;
  readonly #probability: number;

  constructor(size: ImageSize, probability: number) {
    this.#size = size;
    this.#probability = probability;
  }

  apply(images: Float32Array, offset: number, random: Random): void {
    if (random.uniform() >= this.#probability) return;
    const { height, width } = this.#size;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const area = height * width * between(SCALE[0], SCALE[1], random);
      const ratio = Math.exp(between(Math.log(RATIO[0]), Math.log(RATIO[1]), random));
      const h = Math.round(Math.sqrt(area * ratio));
      const w = Math.round(Math.sqrt(area / ratio));
      if (h >= height || w >= width) continue;
      const top = random.integer(height - h + 1);
      const left = random.integer(width - w + 1);
      for (let c = 0; c < 3; c++) {
        for (let y = top; y < top + h; y++) {
          const row = offset + (c * height + y) * width + left;
          images.fill(0, row, row + w);
        }
      }
      return;
    }
  }
}

function between(low: number, high: number, random: Random): number {
  return low + (high - low) * random.uniform();
}
