export interface MemorySample {
  requests: number;
  /** Bytes. */
  rss: number;
  heap: number;
}

/**
 * Growth in bytes a request over the second half of the samples, when caches and pools are filled: the median
 * of the slopes between all pairs (Theil and Sen), which a garbage collection here and there does not move.
 */
export function memorySlope(samples: readonly MemorySample[]): {
  rssPerRequest: number;
  heapPerRequest: number;
} {
  const late = samples.slice(Math.floor(samples.length / 2));
  return { rssPerRequest: slope(late, 'rss'), heapPerRequest: slope(late, 'heap') };
}

function slope(samples: readonly MemorySample[], key: 'rss' | 'heap'): number {
  const slopes = samples.flatMap((a, i) =>
    samples.slice(i + 1).map((b) => (b[key] - a[key]) / (b.requests - a.requests)),
  );
  return slopes.sort((a, b) => a - b)[Math.floor(slopes.length / 2)] ?? 0;
}
