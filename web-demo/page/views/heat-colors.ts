/**
 * From cold to hot: magma (van der Walt and Smith, matplotlib), which grows evenly in lightness, so that it
 * reads the same in grey and for any colour deficiency.
 */
const MAGMA: readonly [number, number, number][] = [
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
  const at = Math.max(0, Math.min(1, value)) * (MAGMA.length - 1);
  const low = Math.min(MAGMA.length - 2, Math.floor(at));
  const share = at - low;
  const mix = (channel: 0 | 1 | 2): number =>
    Math.round(MAGMA[low]![channel] * (1 - share) + MAGMA[low + 1]![channel] * share);
  return [mix(0), mix(1), mix(2)];
}
