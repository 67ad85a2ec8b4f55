import type { Random } from '../../../core/random.ts';
import { brightness, color, contrast } from './ops/enhance.ts';
import { hue } from './ops/hue.ts';
import { createScratch, type ImageOp, type OpScratch } from './ops/op.ts';
import type { ImageSize, ImageTransform } from './transform.ts';

/** What is jittered, in the order of the strengths. */
const OPS: readonly ((factor: number, scratch: OpScratch) => ImageOp)[] = [brightness, contrast, color, hue];
const HUE = 3;

/**
 * torchvision's `ColorJitter(brightness, contrast, saturation, hue)` on PIL images, to the bit: each factor from
 * 1 - strength (0 at least) to 1 + strength, the hue turned by at most its strength of a whole turn, in random order.
 */
export class ColorJitter implements ImageTransform {
  readonly #strengths: readonly number[];
  readonly #scratch: OpScratch;

  /** @param strengths of brightness, contrast, saturation and hue; those left out, and 0, are not jittered */
  constructor(size: ImageSize, strengths: readonly number[]) {
    this.#strengths = strengths;
    this.#scratch = createScratch(size);
  }

  apply(image: Uint8Array, random: Random): void {
    const order = OPS.map((_, op) => op);
    for (let i = order.length - 1; i > 0; i--) {
      const j = random.integer(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    for (const op of order) {
      const strength = this.#strengths[op] ?? 0;
      if (strength === 0) continue;
      const [low, high] = op === HUE ? [-strength, strength] : [Math.max(0, 1 - strength), 1 + strength];
      this.change(image, op, low + (high - low) * random.uniform());
    }
  }

  /** @param op 0 to 3: brightness, contrast, saturation, hue */
  change(image: Uint8Array, op: number, factor: number): void {
    OPS[op]!(factor, this.#scratch)(image);
  }
}
