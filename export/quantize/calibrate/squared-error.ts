import { activationParameters, type Range } from '../quantization-parameters.ts';
import type { Histogram } from './histogram.ts';

/** Ends are tried in steps of 1 % of the whole range, and the better of both ends in turn. */
const STEPS = 100;
const ROUNDS = 3;

/**
 * The range of least mean squared error between a tensor's values and their quantised form: clipping costs
 * the few values beyond, and gives all others a finer step.
 */
export function leastSquaredErrorRange(histogram: Histogram): Range {
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
export function squaredError({ centres, counts }: Weighted, range: Range): number {
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
