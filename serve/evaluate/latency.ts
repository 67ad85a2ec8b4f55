/** Milliseconds. */
export interface LatencySummary {
  mean: number;
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

/** @param milliseconds at least one */
export function summarizeLatencies(milliseconds: readonly number[]): LatencySummary {
  const sorted = Float64Array.from(milliseconds).sort();
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return {
    mean,
    p50: percentile(sorted, 0.5),
    p90: percentile(sorted, 0.9),
    p99: percentile(sorted, 0.99),
    max: sorted.at(-1)!,
  };
}

/** The smallest value that so many are no larger than ("nearest rank"). @param sorted ascending, not empty */
export function percentile(sorted: Float64Array, fraction: number): number {
  return sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)]!;
}
