import type { Random } from '../../../../core/random.ts';
import { createScratch } from '../ops/op.ts';
import type { ImageSize, ImageTransform } from '../transform.ts';
import { randAugmentSpace } from './magnitudes.ts';
import { applyRandomSign, type SignedOp, signedOp } from './signed-op.ts';

/**
 * RandAugment (Cubuk et al. 2020, arXiv:1909.13719) as torchvision's `RandAugment` on PIL images, with its
 * defaults: two random ops of its 14, with replacement, at magnitude 9 of 31 bins, each with a random sign.
 */
export class RandAugment implements ImageTransform {
  readonly #ops: SignedOp[];
  readonly #numOps: number;

  /**
   * @param numOps ops that are applied to each image
   * @param magnitude their bin, from 0 to 30
   */
  constructor(size: ImageSize, numOps = 2, magnitude = 9) {
    const scratch = createScratch(size);
    this.#ops = [...randAugmentSpace(size)].map(([op, range]) => signedOp(op, range, magnitude, scratch));
    this.#numOps = numOps;
  }

  apply(image: Uint8Array, random: Random): void {
    for (let i = 0; i < this.#numOps; i++) {
      applyRandomSign(this.#ops[random.integer(this.#ops.length)]!, image, random);
    }
  }
}
