import type { Normalization } from '../dataset.ts';

/** A channel that hardly varies is not blown up to noise: the least deviation is one grey level. */
const MIN_STD = 1 / 255;

/**
 * Mean and standard deviation of all pixels of each channel, scaled to [0, 1] and rounded to six decimals.
 * Sums are of whole numbers, so the order of the images makes no difference.
 * @param images channel-planar, 3 * `plane` bytes an image, one image at least
 */
export function measureNormalization(images: Uint8Array, plane: number): Normalization {
  const counts = [0, 1, 2].map(() => new Float64Array(256));
  for (let start = 0, channel = 0; start < images.length; start += plane, channel = (channel + 1) % 3) {
    const histogram = counts[channel]!;
    for (let at = start; at < start + plane; at++) histogram[images[at]!]! += 1;
  }
  const mean = counts.map((histogram) => moment(histogram, 1));
  const std = counts.map((histogram, c) => {
    const variance = moment(histogram, 2) - mean[c]! ** 2;
    return Math.max(MIN_STD, Math.sqrt(Math.max(0, variance)));
  });
  return { mean: triple(mean), std: triple(std) };
}

function moment(histogram: Float64Array, power: number): number {
  let sum = 0;
  let count = 0;
  for (const [value, times] of histogram.entries()) {
    sum += times * value ** power;
    count += times;
  }
  return sum / count / 255 ** power;
}

function triple(values: readonly number[]): [number, number, number] {
  const [red = 0, green = 0, blue = 0] = values.map((value) => Number(value.toFixed(6)));
  return [red, green, blue];
}
