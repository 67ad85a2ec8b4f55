import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MemorySample, memorySlope } from '../../bench/serve/memory-slope.ts';
import { Random } from '../../core/random.ts';

/**
 * A server's memory as it is measured: caches that fill in the first third, garbage that is collected now and
 * then, noise, and what leaks.
 */
function samples(leak: number): MemorySample[] {
  const random = new Random(1);
  return Array.from({ length: 50 }, (_, i) => {
    const requests = 1000 * (i + 1);
    const warm = 5e6 * Math.min(1, i / 16);
    const garbage = 1e6 * (i % 7);
    const heap = 40e6 + warm + garbage + 2e5 * random.uniform() + leak * requests;
    return { requests, heap, rss: 300e6 + heap };
  });
}

test('what fills caches and what is collected is no growth; what leaks is, byte by byte', () => {
  const flat = memorySlope(samples(0));
  assert.ok(Math.abs(flat.heapPerRequest) < 50, `${flat.heapPerRequest}`);
  for (const leak of [500, 3000]) {
    const { heapPerRequest, rssPerRequest } = memorySlope(samples(leak));
    assert.ok(Math.abs(heapPerRequest - leak) < 50, `${heapPerRequest} for ${leak}`);
    assert.ok(Math.abs(rssPerRequest - leak) < 50, `${rssPerRequest} for ${leak}`);
  }
});

test('a single sample says nothing', () => {
  assert.deepEqual(memorySlope([{ requests: 1, heap: 1, rss: 1 }]), { heapPerRequest: 0, rssPerRequest: 0 });
});
