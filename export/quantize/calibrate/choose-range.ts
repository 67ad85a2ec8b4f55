import type { CalibrationMethod } from '../options.ts';
import { activationParameters, type Range } from '../quantize-weight.ts';
import type { Histogram } from './collect.ts';

/** The range of a tensor by a calibration method; [0, 0] if all its values were zero. */
export function chooseRange(histogram: Histogram, method: CalibrationMethod, percentile: number): Range {
  if (histogram.nonZero === 0) return { min: 0, max: 0 };
  switch (method) {
    case 'minmax':
      return { min: histogram.min, max: histogram.max };
    case 'percentile':
      return percentileRange(histogram, percentile);
    case 'entropy':
      return entropyRange(histogram);
    case 'mse':
      return leastSquaredErrorRange(histogram);
  }
}

/**
 * The range that keeps a share of a tensor's values: half of the others is cut off on either side, or all at
 * the top where no value is negative.
 * @param percentile in percent, above 0 and up to 100
 */
function percentileRange(histogram: Histogram, percentile: number): Range {
  const total = histogram.nonZero + histogram.zeros;
  const cut = total * (1 - percentile / 100);
  const signed = histogram.min < 0;
  return {
    min: signed ? lowerEnd(histogram, cut / 2) : 0,
    max: upperEnd(histogram, signed ? cut / 2 : cut),
  };
}

/** The edge below which at most `count` values lie; not above zero. */
function lowerEnd(histogram: Histogram, count: number): number {
  let below = 0;
  for (let bin = 0; ; bin++) {
    const edge = histogram.edge(bin);
    if (edge >= 0) return 0;
    below += histogram.counts[bin]!;
    if (below > count) return Math.max(edge, histogram.min);
  }
}

/** The edge above which at most `count` values lie; not below zero. */
function upperEnd(histogram: Histogram, count: number): number {
  let above = 0;
  for (let bin = histogram.counts.length - 1; ; bin--) {
    const edge = histogram.edge(bin + 1);
    if (edge <= 0) return 0;
    above += histogram.counts[bin]!;
    if (above > count) return Math.min(edge, histogram.max);
  }
}

/** Ends are tried in steps of 1 % of the whole range, and the better of both ends in turn. */
const STEPS = 100;
const ROUNDS = 3;

/**
 * The range of least mean squared error between a tensor's values and their quantised form: clipping costs
 * the few values beyond, and gives all others a finer step.
 */
function leastSquaredErrorRange(histogram: Histogram): Range {
  const values = occupied(histogram);
  const whole: Range = { min: Math.min(0, histogram.min), max: Math.max(0, histogram.max) };
  let best = whole;
  let least = squaredError(values, whole);
  const attempt = (range: Range): void => {
    const error = squaredError(values, range);
    if (error < least) [least, best] = [error, range];
  };
  for (let step = 1; step < STEPS; step++) {
    const share = step / STEPS;
    attempt({ min: whole.min * share, max: whole.max * share });
  }
  if (whole.min === 0 || whole.max === 0) return best;
  for (let round = 0; round < ROUNDS; round++) {
    const before = least;
    for (let step = 1; step <= STEPS; step++) attempt({ ...best, max: (whole.max * step) / STEPS });
    for (let step = 1; step <= STEPS; step++) attempt({ ...best, min: (whole.min * step) / STEPS });
    if (least === before) break;
  }
  return best;
}

interface Weighted {
  centres: Float64Array;
  counts: Float64Array;
}

function occupied(histogram: Histogram): Weighted {
  const bins = [...histogram.counts.keys()].filter((bin) => histogram.counts[bin]! > 0);
  return {
    centres: Float64Array.from(bins, (bin) => histogram.edge(bin) + histogram.binWidth / 2),
    counts: Float64Array.from(bins, (bin) => histogram.counts[bin]!),
  };
}

/** The sum over all values of the square of what quantisation to a range changes them by. */
function squaredError({ centres, counts }: Weighted, range: Range): number {
  const { scale, zeroPoint } = activationParameters(range);
  let sum = 0;
  for (let i = 0; i < centres.length; i++) {
    const centre = centres[i]!;
    const level = Math.min(255, Math.max(0, Math.round(centre / scale) + zeroPoint));
    const error = scale * (level - zeroPoint) - centre;
    sum += counts[i]! * error * error;
  }
  return sum;
}

const BINS = 2048;
/** Levels of magnitude: all 256 where no value is negative, else half of them. */
const UNSIGNED_LEVELS = 256;
const SIGNED_LEVELS = 128;
/** What counts as the quantised distribution's share where it has none; the divergence would be infinite. */
const HOLE = 1e-4;

/**
 * The range whose clipped and quantised values have the distribution nearest to the original one, by
 * Kullback-Leibler divergence: the calibration of S. Migacz, "8-bit inference with TensorRT" (GTC 2017), on
 * 2048 bins of magnitudes. The range is symmetric, cut to the values there are; exact zeros are not counted.
 */
function entropyRange(histogram: Histogram): Range {
  const magnitudes = magnitudeBins(histogram);
  const threshold = entropyThreshold(magnitudes.counts, histogram.min < 0 ? SIGNED_LEVELS : UNSIGNED_LEVELS);
  const limit = threshold * magnitudes.binWidth;
  return { min: Math.max(-limit, histogram.min), max: Math.min(limit, histogram.max) };
}

/** Counts of |value| in {@link BINS} bins up to the largest one. */
function magnitudeBins(histogram: Histogram): { counts: Float64Array; binWidth: number } {
  const binWidth = Math.max(-histogram.min, histogram.max) / BINS;
  const counts = new Float64Array(BINS);
  for (let bin = 0; bin < histogram.counts.length; bin++) {
    const count = histogram.counts[bin]!;
    if (count === 0) continue;
    const centre = Math.abs(histogram.edge(bin) + histogram.binWidth / 2);
    counts[Math.min(BINS - 1, Math.floor(centre / binWidth))]! += count;
  }
  return { counts, binWidth };
}

/**
 * How many of the first bins to keep: the number of least divergence between the distribution clipped there
 * (the last bin takes all beyond) and the same bins quantised to `levels`, each level's count spread evenly
 * over those of its bins that are not empty.
 */
export function entropyThreshold(counts: Float64Array, levels: number): number {
  let best = counts.length;
  let least = Number.POSITIVE_INFINITY;
  const total = counts.reduce((sum, count) => sum + count, 0);
  let inside = counts.subarray(0, levels - 1).reduce((sum, count) => sum + count, 0);
  for (let kept = levels; kept <= counts.length; kept++) {
    inside += counts[kept - 1]!;
    const divergence = clippedDivergence(counts, kept, levels, inside, total);
    if (divergence < least) {
      least = divergence;
      best = kept;
    }
  }
  return best;
}

function clippedDivergence(
  counts: Float64Array,
  kept: number,
  levels: number,
  inside: number,
  total: number,
): number {
  if (inside === 0) return Number.POSITIVE_INFINITY;
  const outliers = total - inside;
  let divergence = 0;
  for (let level = 0, from = 0; level < levels; level++) {
    const to = Math.floor(((level + 1) * kept) / levels);
    let sum = 0;
    let filled = 0;
    for (let bin = from; bin < to; bin++) {
      sum += counts[bin]!;
      if (counts[bin]! > 0) filled++;
    }
    const spread = sum / filled / inside;
    for (let bin = from; bin < to; bin++) {
      const p = (counts[bin]! + (bin === kept - 1 ? outliers : 0)) / total;
      if (p === 0) continue;
      // Outliers may be heaped on an empty last bin, where nothing quantised stands.
      divergence += p * Math.log(p / (counts[bin]! === 0 ? HOLE : spread));
    }
    from = to;
  }
  return divergence;
}
