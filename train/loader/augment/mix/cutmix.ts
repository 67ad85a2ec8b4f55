import type { Random } from '../../../../core/random.ts';
import type { BatchMix, BatchTransform, ImageSize } from '../transform.ts';
import { BatchCopy } from './batch-copy.ts';
import { symmetricBeta } from './beta.ts';
import { randomPartners } from './partner.ts';

/** Columns from `left` to before `right`, rows from `top` to before `bottom`. */
export interface Box {
  top: number;
  left: number;
  bottom: number;
  right: number;
}

/**
 * The box that CutMix pastes: `rand_bbox` of https://github.com/clovaai/CutMix-PyTorch, of about `1 - lambda` of
 * the image's area before it is cut off at the edges.
 * @param centerX uniform over the columns
 * @param centerY uniform over the rows
 */
export function cutMixBox(
  lambda: number,
  centerX: number,
  centerY: number,
  { height, width }: ImageSize,
): Box {
  const ratio = Math.sqrt(1 - lambda);
  const halfWidth = Math.trunc(Math.trunc(width * ratio) / 2);
  const halfHeight = Math.trunc(Math.trunc(height * ratio) / 2);
  return {
    top: Math.max(centerY - halfHeight, 0),
    left: Math.max(centerX - halfWidth, 0),
    bottom: Math.min(centerY + halfHeight, height),
    right: Math.min(centerX + halfWidth, width),
  };
}

/**
 * CutMix (Yun et al. 2019, arXiv:1905.04899) as in its reference code: with a probability a batch, every image
 * gets the same box of another image of the batch, and of that one's label as much as the box's share of the
 * area.
 */
export class CutMix implements BatchTransform {
  readonly #size: ImageSize;
  readonly #beta: number;
  readonly #probability: number;
  readonly #original = new BatchCopy();

  /** @param beta of the distribution Beta(beta, beta) of lambda */
  constructor(size: ImageSize, beta: number, probability: number) {
    this.#size = size;
    this.#beta = beta;
    this.#probability = probability;
  }

  apply(images: Float32Array, size: number, random: Random): BatchMix | undefined {
    if (random.uniform() >= this.#probability) return undefined;
    const { height, width } = this.#size;
    const sampled = symmetricBeta(this.#beta, random);
    const partner = randomPartners(size, random);
    const box = cutMixBox(sampled, random.integer(width), random.integer(height), this.#size);
    const area = (box.bottom - box.top) * (box.right - box.left);
    const original = this.#original.of(images);
    const length = 3 * height * width;
    for (let image = 0; image < size; image++) {
      const shift = (partner[image]! - image) * length;
      for (let c = 0; c < 3; c++) {
        for (let y = box.top; y < box.bottom; y++) {
          const row = image * length + (c * height + y) * width;
          for (let i = row + box.left; i < row + box.right; i++) images[i] = original[i + shift]!;
        }
      }
    }
    return { lambda: 1 - area / (height * width), partner };
  }
}
