import type { PixelImage } from './pixel-image.ts';

// Ours, for it is Pillow's to the bit in trainer, server and page alike, which no resizer of npm's is.

/**
 * Resizes with antialiased bilinear interpolation: a triangle filter as wide as the downscale factor, applied
 * along rows and then along columns, with 8-bit values in between and fixed-point weights. This is Pillow's
 * `Image.resize(size, BILINEAR)` (src/libImaging/Resample.c), bit for bit, which torchvision uses for images.
 *
 * The aspect ratio is not kept. Channels are independent of each other, so transparent pixels should be
 * flattened onto a background first. Sizes that match already give the pixels back unchanged (the same array).
 * @throws RangeError if a size is not a positive whole number or the data is too short
 */
export function resizeBilinear(image: PixelImage, width: number, height: number): PixelImage {
  for (const size of [image.width, image.height, width, height]) {
    if (!Number.isInteger(size) || size < 1) throw new RangeError(`image size must be positive, not ${size}`);
  }
  const needed = image.width * image.height * image.channels;
  if (image.data.length < needed) {
    throw new RangeError(`image has ${image.data.length} bytes, needs ${needed}`);
  }
  const wide = width === image.width ? image : resizeRows(image, width);
  return height === wide.height ? wide : resizeColumns(wide, height);
}

/** Fraction bits of a weight: 32, less 8 for the pixel, less 2 of headroom, as in Pillow. */
const PRECISION_BITS = 32 - 8 - 2;
const HALF = 1 << (PRECISION_BITS - 1);

/** For each output pixel the first input pixel, how many there are, and their fixed-point weights. */
export interface ResizeWeights {
  first: Int32Array;
  count: Int32Array;
  /** `stride` weights for each output pixel, of which `count` are used. */
  values: Int32Array;
  stride: number;
}

/** The triangle filter's weights, Pillow's precompute_coeffs and normalize_coeffs_8bpc. */
export function triangleWeights(from: number, to: number): ResizeWeights {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const stride = Math.ceil(support) * 2 + 1;
  const weights: ResizeWeights = {
    first: new Int32Array(to),
    count: new Int32Array(to),
    values: new Int32Array(to * stride),
    stride,
  };
  const exact = new Float64Array(stride);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(from, Math.trunc(centre + support + 0.5)) - first;
    let sum = 0;
    for (let k = 0; k < count; k++) {
      const weight = Math.max(0, 1 - Math.abs((k + first - centre + 0.5) * (1 / support)));
      exact[k] = weight;
      sum += weight;
    }
    weights.first[i] = first;
    weights.count[i] = count;
    for (let k = 0; k < count; k++) {
      weights.values[i * stride + k] = Math.trunc(0.5 + (exact[k]! / sum) * (1 << PRECISION_BITS));
    }
  }
  return weights;
}

/** The pass over all of a large photo: plain locals and one sweep over all channels make it several times faster. */
function resizeRows(image: PixelImage, width: number): PixelImage {
  const { height, channels, data: src } = image;
  const { first, count, values, stride } = triangleWeights(image.width, width);
  const data = new Uint8Array(width * height * channels);
  const alpha = channels === 4;
  for (let y = 0, to = 0; y < height; y++) {
    const row = y * image.width;
    for (let x = 0; x < width; x++, to += channels) {
      let from = (row + first[x]!) * channels;
      let at = x * stride;
      let [red, green, blue, opacity] = [HALF, HALF, HALF, HALF];
      for (const end = at + count[x]!; at < end; at++, from += channels) {
        const weight = values[at]!;
        red += src[from]! * weight;
        green += src[from + 1]! * weight;
        blue += src[from + 2]! * weight;
        if (alpha) opacity += src[from + 3]! * weight;
      }
      data[to] = toByte(red);
      data[to + 1] = toByte(green);
      data[to + 2] = toByte(blue);
      if (alpha) data[to + 3] = toByte(opacity);
    }
  }
  return { data, width, height, channels };
}

function resizeColumns(image: PixelImage, height: number): PixelImage {
  const { width, channels } = image;
  const weights = triangleWeights(image.height, height);
  const rowLength = width * channels;
  const data = new Uint8Array(rowLength * height);
  for (let y = 0; y < height; y++) {
    const from = weights.first[y]! * rowLength;
    for (let at = 0; at < rowLength; at++) {
      data[y * rowLength + at] = weightedSum(image.data, from + at, rowLength, weights, y);
    }
  }
  return { data, width, height, channels };
}

/** Sums `count` bytes from `from` on, `step` apart, with the weights of an output pixel, rounded to a byte. */
export function weightedSum(
  data: Uint8Array | Uint8ClampedArray,
  from: number,
  step: number,
  weights: ResizeWeights,
  output: number,
): number {
  const at = output * weights.stride;
  const count = weights.count[output]!;
  let sum = HALF;
  for (let k = 0; k < count; k++) sum += data[from + k * step]! * weights.values[at + k]!;
  return toByte(sum);
}

/** At most 255 * 2^22 and a little, so neither the sum nor the shift overflows 32 bits. */
function toByte(sum: number): number {
  return Math.min(255, sum >> PRECISION_BITS);
}
