/** A rate with three digits, as `1250`, `83.2` or `0.512`. */
export function threeDigits(value: number): string {
  return value >= 1000 ? value.toFixed(0) : value.toPrecision(3);
}

/** A ratio as `1.25x`, or a dash where there is none. */
export function ratio(value: number | undefined): string {
  return value === undefined ? '-' : `${value.toFixed(2)}x`;
}

export function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(0)} %`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MB`;
}
