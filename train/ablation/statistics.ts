/** What a quantity is over several runs. */
export interface Spread {
  /** How many runs. */
  n: number;
  mean: number;
  /** The sample standard deviation (n - 1); null for a single run, which has none. */
  deviation: number | null;
}

/** @returns undefined for no values at all */
export function spread(values: readonly number[]): Spread | undefined {
  const n = values.length;
  if (n === 0) return undefined;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { n, mean, deviation: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { n, mean, deviation: Math.sqrt(squares / (n - 1)) };
}
