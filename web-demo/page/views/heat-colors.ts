import { type Rgb, rampColor } from '../../../core/plot/color-ramp.ts';

/**
 * From cold to hot: magma (van der Walt and Smith, matplotlib), which grows evenly in lightness, so that it
 * reads the same in grey and for any colour deficiency.
 */
const MAGMA: readonly Rgb[] = [
  [0, 0, 4],
  [28, 16, 68],
  [79, 18, 123],
  [129, 37, 129],
  [181, 54, 122],
  [229, 80, 100],
  [251, 135, 97],
  [254, 194, 135],
  [252, 253, 191],
];

/** The colour of a value in [0, 1], as three bytes. */
export function heatColor(value: number): [number, number, number] {
  return rampColor(MAGMA, value);
}
