/** A fraction as a percentage with two decimals, `0.6512` as `65.12 %`. */
export function formatPercent(fraction: number): string {
  return `${(100 * fraction).toFixed(2)} %`;
}
