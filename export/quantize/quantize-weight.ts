import { sizeOf, type TensorValue } from '../../core/onnx/graph.ts';

/** Largest magnitude of a quantised weight; -128 is left out to keep the range symmetric. */
export const WEIGHT_LIMIT = 127;
/** With 7 bits, the sum of two products with unsigned bytes fits into AVX2's signed 16 bits. */
export const REDUCED_WEIGHT_LIMIT = 63;
/** Biases stay below 2^30, which leaves the sum of products as much room in an int32. */
const BIAS_LIMIT = 2 ** 30;

export interface QuantizedWeight {
  weight: TensorValue;
  /** float32, one for each output channel. */
  scale: TensorValue;
  /** int32, in units of the channel's scale times the input's. */
  bias: TensorValue | undefined;
}

/**
 * Quantises a layer's weight symmetrically for each output channel, and its bias to int32.
 * @param axis the weight's axis of output channels
 * @param inputScale the scale of the layer's input
 *
 * Rounded weights shift a layer's output by as much as its inputs are from zero on average, which behind a ReLU is
 * far: that much of the error, the same for all images, is taken off the bias (Nagel et al. 2019, arXiv:1906.04721,
 * section 4.2). Depthwise nets, with few weights a channel and large means, would lose much of their accuracy to it.
 * @param limit the largest magnitude of a quantised weight
 * @param input means of the channels of what the layer reads, and groups of channels; without means, no correction
 */
export function quantizeWeight(
  weight: TensorValue,
  bias: TensorValue | undefined,
  axis: number,
  inputScale: number,
  limit: number,
  { means, groups = 1 }: { means?: Float64Array | undefined; groups?: number } = {},
): QuantizedWeight {
  const channels = weight.dims[axis]!;
  const inner = sizeOf(weight.dims.slice(axis + 1));
  const channelOf = (index: number): number => Math.floor(index / inner) % channels;
  const values = weight.data as Float32Array;
  const largest = new Float64Array(channels);
  values.forEach((value, index) => {
    const channel = channelOf(index);
    largest[channel] = Math.max(largest[channel]!, Math.abs(value));
  });

  const biases = bias?.data as Float32Array | undefined;
  const scales = Float32Array.from(largest, (magnitude, channel) => {
    // A channel of tiny weights takes a coarser scale, for its bias must fit as well.
    const forBias = Math.abs(biases?.[channel] ?? 0) / (inputScale * BIAS_LIMIT);
    return Math.fround(Math.max(magnitude / limit, forBias)) || 1;
  });
  const quantized = Int8Array.from(values, (value, index) =>
    clamp(roundHalfEven(value / scales[channelOf(index)]!), limit),
  );
  const shifts = new Float64Array(channels);
  if (means) {
    const kernel = sizeOf(weight.dims.slice(2));
    const perGroup = weight.dims[1 - axis]!;
    values.forEach((value, index) => {
      const channel = channelOf(index);
      const at = axis === 0 ? Math.floor(index / kernel) % perGroup : Math.floor(index / channels);
      const group = Math.floor((channel * groups) / channels);
      // Channels that are there for the kernels' sake are zero.
      const mean = means[group * perGroup + at] ?? 0;
      shifts[channel]! += (scales[channel]! * quantized[index]! - value) * mean;
    });
  }
  const int32 =
    biases &&
    Int32Array.from(biases, (value, channel) =>
      clamp(roundHalfEven((value - shifts[channel]!) / (inputScale * scales[channel]!)), BIAS_LIMIT),
    );
  return {
    weight: { dtype: 'int8', dims: [...weight.dims], data: quantized },
    scale: { dtype: 'float32', dims: [channels], data: scales },
    bias: int32 && { dtype: 'int32', dims: [channels], data: int32 },
  };
}

function clamp(value: number, limit: number): number {
  return Math.min(limit, Math.max(-limit, value));
}

/** The values of a tensor that its quantised form can tell apart; beyond, they are clipped. */
export interface Range {
  min: number;
  max: number;
}

/** `real = scale * (quantised - zeroPoint)`, quantised an unsigned byte. */
export interface ActivationParameters {
  /** A float32 value, above zero. */
  scale: number;
  zeroPoint: number;
}

const LEVELS = 255;

/**
 * Scale and zero point of a uint8 tensor that spans a range, widened to hold zero, which is represented
 * exactly: padding and ReLU give many zeros (Jacob et al. 2018, arXiv:1712.05877, section 2.1).
 */
export function activationParameters(range: Range): ActivationParameters {
  const min = Math.min(range.min, 0);
  const max = Math.max(range.max, 0);
  const scale = Math.fround((max - min) / LEVELS);
  // Also where the span is too small for a float32: such a tensor is as good as zero.
  if (!(scale > 0)) return { scale: 1, zeroPoint: 0 };
  return { scale, zeroPoint: Math.min(LEVELS, Math.max(0, roundHalfEven(-min / scale))) };
}

/** Rounds to the nearest whole number, halves to the even one, as QuantizeLinear does. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  if (fraction !== 0.5) return fraction < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
