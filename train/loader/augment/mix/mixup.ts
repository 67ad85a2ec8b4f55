import type { Random } from '../../../../core/random.ts';
import type { BatchMix, BatchTransform } from '../transform.ts';
import { BatchCopy } from './batch-copy.ts';
import { symmetricBeta } from './beta.ts';
import { randomPartners } from './partner.ts';

/**
 * MixUp (Zhang et al. 2018, arXiv:1710.09412) as in its reference code: every batch is mixed pixel by pixel, and
 * label by label, with a permutation of itself, at one lambda a batch.
 */
export class MixUp implements BatchTransform {
  readonly #alpha: number;
  readonly #original = new BatchCopy();

  /** @param alpha of the distribution Beta(alpha, alpha) of lambda */
  constructor(alpha: number) {
    this.#alpha = alpha;
  }

  apply(images: Float32Array, size: number, random: Random): BatchMix {
    const lambda = symmetricBeta(this.#alpha, random);
    const partner = randomPartners(size, random);
    const original = this.#original.of(images);
    const length = images.length / size;
    for (let image = 0; image < size; image++) {
      const shift = (partner[image]! - image) * length;
      for (let i = image * length; i < (image + 1) * length; i++) {
        images[i] = lambda * original[i]! + (1 - lambda) * original[i + shift]!;
      }
    }
    return { lambda, partner };
  }
}
