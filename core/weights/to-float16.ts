/**
 * Rounds to IEEE 754 binary16, to nearest and ties to even as processors do. What is too large becomes
 * infinite, what is smaller than half the smallest subnormal zero, and a NaN a quiet NaN.
 * @returns the bits, one number a value
 */
export function toFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) halves[i] = singleToHalfBits(bits[i]!);
  return halves;
}

/** The largest value that binary16 holds; from 65520 on, rounding gives infinity. */
export const MAX_FLOAT16 = 65_504;

const INFINITY = 0x7f80_0000;
/** The bits of 2^16 and of the smallest normal binary16, 2^-14. */
const TOO_LARGE = 0x4780_0000;
const SMALLEST_NORMAL = 0x3880_0000;

function singleToHalfBits(single: number): number {
  const sign = (single >>> 16) & 0x8000;
  const magnitude = single & 0x7fff_ffff;
  if (magnitude >= TOO_LARGE) return sign | (magnitude > INFINITY ? 0x7e00 : 0x7c00);
  if (magnitude < SMALLEST_NORMAL) return sign | subnormalBits(magnitude);
  // Half a unit in the last place less one, and one more before an odd digit; a carry into the exponent is right.
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  // The exponents' biases are 127 and 15.
  return sign | ((rounded - (112 << 23)) >>> 13);
}

/** A magnitude below 2^-14 in units of 2^-24. */
function subnormalBits(magnitude: number): number {
  const exponent = magnitude >>> 23;
  const shift = 126 - exponent;
  if (shift > 24) return 0;
  const fraction = (magnitude & 0x7f_ffff) | 0x80_0000;
  const units = fraction >>> shift;
  const rest = fraction & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return rest > half || (rest === half && (units & 1) === 1) ? units + 1 : units;
}
