import { sizeOf, type TensorValue } from '../../core/onnx/graph.ts';
import { FLOAT_BYTES, type FloatFormat, toFloat32 } from '../../core/weights/float-formats.ts';

/** How the values of a tensor are spread. */
export interface WeightStatistics {
  min: number;
  max: number;
  mean: number;
  /** Standard deviation. */
  std: number;
  /** Fraction of values that are exactly 0. */
  zeros: number;
  /** Values that are NaN or infinite; they are in none of the other figures. */
  notFinite: number;
  /** How many values are in each of {@link HISTOGRAM_BINS} bins of equal width from `min` to `max`. */
  histogram: number[];
}

export const HISTOGRAM_BINS = 24;

/** Statistics of a tensor's values; of one without finite values they are NaN. */
export function weightStatistics(tensor: TensorValue): WeightStatistics {
  const values = numbersOf(tensor);
  let [min, max, sum, count, zeros] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    count++;
    sum += value;
    if (value === 0) zeros++;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const mean = sum / count;
  let squares = 0;
  const histogram = new Array<number>(HISTOGRAM_BINS).fill(0);
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    squares += (value - mean) ** 2;
    const bin = max > min ? Math.floor(((value - min) / (max - min)) * HISTOGRAM_BINS) : 0;
    histogram[Math.min(bin, HISTOGRAM_BINS - 1)]!++;
  }
  return {
    min: count > 0 ? min : Number.NaN,
    max: count > 0 ? max : Number.NaN,
    mean,
    std: Math.sqrt(squares / count),
    zeros: zeros / values.length,
    notFinite: values.length - count,
    histogram,
  };
}

function numbersOf({ dtype, dims, data }: TensorValue): ArrayLike<number> & Iterable<number> {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float64Array.from(data, Number);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (dtype === 'uint4' || dtype === 'int4') {
    // Two a byte, the lower half first.
    return Int8Array.from({ length: sizeOf(dims) }, (_, index) => {
      const bits = index % 2 === 0 ? bytes[index >> 1]! & 15 : bytes[index >> 1]! >> 4;
      return dtype === 'int4' && bits > 7 ? bits - 16 : bits;
    });
  }
  if (dtype !== 'float32' && dtype in FLOAT_BYTES) return toFloat32(bytes, dtype as FloatFormat);
  return data;
}
