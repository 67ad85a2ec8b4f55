import type { Range } from '../quantization-parameters.ts';
import type { Histogram } from './histogram.ts';

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
export function entropyRange(histogram: Histogram): Range {
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
