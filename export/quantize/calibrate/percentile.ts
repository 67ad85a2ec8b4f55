import type { Range } from '../quantization-parameters.ts';
import type { Histogram } from './histogram.ts';

/**
 * The range that keeps a share of a tensor's values: half of the others is cut off on either side, or all at
 * the top where no value is negative.
 * @param percentile in percent, above 0 and up to 100
 */
export function percentileRange(histogram: Histogram, percentile: number): Range {
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
