import { lookupOp, lookupTable } from './lookup.ts';
import type { ImageOp } from './op.ts';

/**
 * Keeps the highest `bits` bits of every byte (Pillow's `ImageOps.posterize`).
 * @param bits from 1 to 8
 */
export function posterize(bits: number): ImageOp {
  const mask = ~(2 ** (8 - bits) - 1);
  return lookupOp(lookupTable((value) => value & mask));
}

/** Inverts the bytes from `threshold` on (Pillow's `ImageOps.solarize`). */
export function solarize(threshold: number): ImageOp {
  return lookupOp(lookupTable((value) => (value < threshold ? value : 255 - value)));
}

/** The negative (Pillow's `ImageOps.invert`). */
export function invert(): ImageOp {
  return lookupOp(lookupTable((value) => 255 - value));
}
