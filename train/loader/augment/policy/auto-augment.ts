import type { Random } from '../../../../core/random.ts';
import { createScratch } from '../ops/op.ts';
import type { ImageSize, ImageTransform } from '../transform.ts';
import { CIFAR10_POLICY, type SubPolicy } from './cifar10-policy.ts';
import { autoAugmentSpace } from './magnitudes.ts';
import { type SignedOp, signedOp } from './signed-op.ts';

interface Step extends SignedOp {
  probability: number;
}

/**
 * AutoAugment (Cubuk et al. 2019, arXiv:1805.09501) as torchvision's `AutoAugment` on PIL images: of a random
 * sub-policy each of the two ops with its probability, with a random sign.
 */
export class AutoAugment implements ImageTransform {
  readonly #subPolicies: (readonly [Step, Step])[];

  constructor(size: ImageSize, policy: readonly SubPolicy[] = CIFAR10_POLICY) {
    const scratch = createScratch(size);
    const space = autoAugmentSpace(size);
    const prepare = ([op, probability, bin]: SubPolicy[0]): Step => {
      return { ...signedOp(op, space.get(op)!, bin ?? 0, scratch), probability };
    };
    this.#subPolicies = policy.map(([first, second]) => [prepare(first), prepare(second)] as const);
  }

  apply(image: Uint8Array, random: Random): void {
    const [first, second] = this.#subPolicies[random.integer(this.#subPolicies.length)]!;
    applyStep(first, image, random);
    applyStep(second, image, random);
  }
}

function applyStep(step: Step, image: Uint8Array, random: Random): void {
  if (random.uniform() >= step.probability) return;
  if (random.integer(2) === 0) step.negative(image);
  else step.positive(image);
}
