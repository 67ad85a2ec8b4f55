import type { CalibrationMethod } from '../options.ts';
import type { Range } from '../quantization-parameters.ts';
import { entropyRange } from './entropy.ts';
import type { Histogram } from './histogram.ts';
import { percentileRange } from './percentile.ts';
import { leastSquaredErrorRange } from './squared-error.ts';

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
