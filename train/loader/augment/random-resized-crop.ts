import { type ResizeWeights, triangleWeights, weightedSum } from '../../../core/preprocess/resize.ts';
import type { Random } from '../../../core/random.ts';
import type { ImageSize, ImageTransform } from './transform.ts';

/** Width by height of the window, uniform in its logarithm. */
const RATIO = [3 / 4, 4 / 3] as const;
/** After so many windows that do not fit, the largest in the middle of an allowed shape is taken. */
const ATTEMPTS = 10;

/** A window of an image, in pixels. */
export interface Window extends ImageSize {
  top: number;
  left: number;
}

/**
 * Cuts a window of random area, shape and place and resizes it to the whole image's size: torchvision's
 * `RandomResizedCrop` on PIL images, with its ratio and bilinear interpolation, to the bit. Images come here as the
 * dataset has them, all of one size; torchvision's are of any.
 */
export class RandomResizedCrop implements ImageTransform {
  readonly #size: ImageSize;
  readonly #smallest: number;
  readonly #rows: Uint8Array;
  readonly #weights = new Map<string, ResizeWeights>();

  /** @param smallest the least share of the image's area (torchvision: 0.08); the largest is 1 */
  constructor(size: ImageSize, smallest: number) {
    this.#size = size;
    this.#smallest = smallest;
    this.#rows = new Uint8Array(3 * size.height * size.width);
  }

  apply(image: Uint8Array, random: Random): void {
    this.cut(image, randomWindow(this.#size, this.#smallest, random));
  }

  /** Replaces an image by a window of it, resized as Pillow does: along rows, then along columns. */
  cut(image: Uint8Array, { top, left, height, width }: Window): void {
    const whole = this.#size;
    const across = this.#weightsFor(width, whole.width);
    const down = this.#weightsFor(height, whole.height);
    const rows = this.#rows;
    let at = 0;
    for (let channel = 0; channel < 3; channel++) {
      for (let y = 0; y < height; y++) {
        const start = (channel * whole.height + top + y) * whole.width + left;
        for (let x = 0; x < whole.width; x++, at++) {
          rows[at] = weightedSum(image, start + across.first[x]!, 1, across, x);
        }
      }
    }
    at = 0;
    for (let channel = 0; channel < 3; channel++) {
      for (let y = 0; y < whole.height; y++) {
        const start = (channel * height + down.first[y]!) * whole.width;
        for (let x = 0; x < whole.width; x++, at++) {
          image[at] = weightedSum(rows, start + x, whole.width, down, y);
        }
      }
    }
  }

  #weightsFor(from: number, to: number): ResizeWeights {
    const key = `${from} ${to}`;
    const made = this.#weights.get(key) ?? triangleWeights(from, to);
    this.#weights.set(key, made);
    return made;
  }
}

/** torchvision's `RandomResizedCrop.get_params`. */
export function randomWindow({ height, width }: ImageSize, smallest: number, random: Random): Window {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const area = height * width * between(smallest, 1, random);
    const ratio = Math.exp(between(Math.log(RATIO[0]), Math.log(RATIO[1]), random));
    const w = Math.round(Math.sqrt(area * ratio));
    const h = Math.round(Math.sqrt(area / ratio));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    return { top: random.integer(height - h + 1), left: random.integer(width - w + 1), height: h, width: w };
  }
  return middleWindow({ height, width });
}

/** The largest window in the middle whose shape is an allowed one. */
export function middleWindow({ height, width }: ImageSize): Window {
  const w = Math.min(width, Math.round(height * RATIO[1]));
  const h = Math.min(height, Math.round(width / RATIO[0]));
  return { top: Math.floor((height - h) / 2), left: Math.floor((width - w) / 2), height: h, width: w };
}

function between(low: number, high: number, random: Random): number {
  return low + (high - low) * random.uniform();
}
