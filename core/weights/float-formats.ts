/** Float formats that weights are stored in, by ONNX's names. */
export type FloatFormat = 'float32' | 'float16' | 'bfloat16' | 'float64' | Float8Format;

export type Float8Format = keyof typeof FLOAT8;

/**
 * Formats of eight bits: those of the exponent, its bias, and what stands for no number. `ieee` has infinities
 * and NaNs as larger formats do, `fn` a NaN only where all other bits are set, `uz` one in place of minus zero
 * (https://onnx.ai/onnx/technical/float8.html).
 */
const FLOAT8 = {
  float8e4m3fn: { exponentBits: 4, bias: 7, special: 'fn' },
  float8e4m3fnuz: { exponentBits: 4, bias: 8, special: 'uz' },
  float8e5m2: { exponentBits: 5, bias: 15, special: 'ieee' },
  float8e5m2fnuz: { exponentBits: 5, bias: 16, special: 'uz' },
} as const;

/** Bytes an element. */
export const FLOAT_BYTES: Readonly<Record<FloatFormat, number>> = {
  float32: 4,
  float16: 2,
  bfloat16: 2,
  float64: 8,
  float8e4m3fn: 1,
  float8e4m3fnuz: 1,
  float8e5m2: 1,
  float8e5m2fnuz: 1,
};

/**
 * Converts little-endian floats to float32: exact from those of 8 and 16 bits, bit for bit from float32 (NaNs
 * too), rounded to nearest from float64.
 * @param bytes a whole number of elements, at any alignment; the result is always a copy
 */
export function toFloat32(bytes: Uint8Array, format: FloatFormat): Float32Array {
  // A copy starts at offset 0, where every typed array may. (slice() would be none on a Node Buffer.)
  const { buffer } = new Uint8Array(bytes);
  switch (format) {
    case 'float32':
      return new Float32Array(buffer);
    case 'float64':
      return Float32Array.from(new Float64Array(buffer));
    case 'bfloat16':
      // The upper half of a float32.
      return fromBits(new Uint16Array(buffer), (bits) => bits << 16);
    case 'float16':
      return fromBits(new Uint16Array(buffer), halfToSingleBits);
    default: {
      const values = Float32Array.from({ length: 256 }, (_, bits) => float8Value(bits, format));
      return Float32Array.from(bytes, (bits) => values[bits]!);
    }
  }
}

function float8Value(bits: number, format: Float8Format): number {
  const { exponentBits, bias, special } = FLOAT8[format];
  const fractionBits = 7 - exponentBits;
  const sign = bits < 0x80 ? 1 : -1;
  const exponent = (bits & 0x7f) >> fractionBits;
  const fraction = bits & ((1 << fractionBits) - 1);
  if (special === 'uz' && bits === 0x80) return Number.NaN;
  if (special === 'fn' && (bits & 0x7f) === 0x7f) return Number.NaN;
  if (special === 'ieee' && exponent === (1 << exponentBits) - 1) {
    return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  }
  const unit = 2 ** (Math.max(exponent, 1) - bias - fractionBits);
  return sign * unit * (exponent === 0 ? fraction : fraction + (1 << fractionBits));
}

function fromBits(halves: Uint16Array, convert: (bits: number) => number): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = convert(halves[i]!);
  return new Float32Array(bits.buffer);
}

/** IEEE 754 binary16 (1 sign, 5 exponent, 10 fraction bits) to the bits of a binary32. */
function halfToSingleBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 31) {
    // A NaN keeps its payload and becomes a quiet one, as processors convert it.
    return sign | 0x7f800000 | (fraction === 0 ? 0 : 0x400000 | (fraction << 13));
  }
  // The exponents' biases are 15 and 127.
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal, fraction * 2^-24, is a normal float32: shift its first one bit out of the fraction.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}
