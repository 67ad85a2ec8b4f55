import type { Random } from '../../../../core/random.ts';
import { createScratch } from '../ops/op.ts';
import type { ImageSize, ImageTransform } from '../transform.ts';
import { trivialAugmentSpace } from './magnitudes.ts';
import { applyRandomSign, type SignedOp, signedOp } from './signed-op.ts';

/**
 * TrivialAugment (Müller and Hutter 2021, arXiv:2103.10158) as torchvision's `TrivialAugmentWide` on PIL images:
 * one random op of its 14, at a random one of 31 magnitudes, with a random sign.
 */
export class TrivialAugmentWide implements ImageTransform {
  /** By op, then by bin. */
  readonly #ops: SignedOp[][];

  constructor(size: ImageSize) {
    const scratch = createScratch(size);
    this.#ops = [...trivialAugmentSpace()].map(([op, range]) =>
      range.magnitudes.map((_, bin) => signedOp(op, range, bin, scratch)),
    );
  }

  apply(image: Uint8Array, random: Random): void {
    const magnitudes = this.#ops[random.integer(this.#ops.length)]!;
    applyRandomSign(magnitudes[random.integer(magnitudes.length)]!, image, random);
  }
}
