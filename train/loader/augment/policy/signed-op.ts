import type { Random } from '../../../../core/random.ts';
import { createOp } from '../ops/create-op.ts';
import type { ImageOp, OpName, OpScratch } from '../ops/op.ts';
import type { OpRange } from './magnitudes.ts';

/** An op of one magnitude, ready for either sign. */
export interface SignedOp {
  positive: ImageOp;
  /** The same as `positive` for an op without sign. */
  negative: ImageOp;
  signed: boolean;
}

/** Prepares the op at one bin of its range; without magnitudes, every bin is the same. */
export function signedOp(name: OpName, range: OpRange, bin: number, scratch: OpScratch): SignedOp {
  const magnitude = range.magnitudes[range.magnitudes.length === 1 ? 0 : bin];
  if (magnitude === undefined) throw new RangeError(`${name} has no magnitude ${bin}`);
  const positive = createOp(name, magnitude, scratch);
  const negative = range.signed ? createOp(name, -magnitude, scratch) : positive;
  return { positive, negative, signed: range.signed };
}

/** Applies the op with a random sign, drawn only if the op has one, as RandAugment and TrivialAugmentWide do. */
export function applyRandomSign(op: SignedOp, image: Uint8Array, random: Random): void {
  if (op.signed && random.integer(2) === 1) op.negative(image);
  else op.positive(image);
}
