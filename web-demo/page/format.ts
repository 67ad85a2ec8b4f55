const number = new Intl.NumberFormat('en-US');

/** `10,000` */
export function formatCount(value: number): string {
  return number.format(value);
}

/** `68.42 %`; small probabilities as `<0.01 %` rather than a false zero. */
export function formatPercent(fraction: number, digits = 2): string {
  if (!Number.isFinite(fraction)) return 'n/a';
  const smallest = 10 ** -digits;
  if (fraction > 0 && fraction * 100 < smallest / 2) return `<${smallest} %`;
  return `${(fraction * 100).toFixed(digits)} %`;
}

/** `1.1 MB` (decimal, as a file manager shows it). */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(0)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** `12 ms`; one decimal below ten, and `12.3 s` from ten seconds on. */
export function formatMs(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

/** `0.27 million`-style parameter counts: `272 k`, `11.2 M`. */
export function formatParameters(count: number): string {
  return count < 1e6 ? `${Math.round(count / 1e3)} k` : `${(count / 1e6).toFixed(1)} M`;
}
