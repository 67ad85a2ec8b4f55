import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseBatch } from '../../bench/serve/measure.ts';
import type { RawResult, RawTask } from '../../bench/serve/raw-child.ts';

/** A net that runs so many images a second, by batch size. */
function net(speed: (batch: number) => number): {
  tried: Set<number>;
  run(task: RawTask): Promise<RawResult>;
} {
  const tried = new Set<number>();
  return {
    tried,
    run: ({ batch, seconds }) => {
      tried.add(batch);
      return Promise.resolve({
        images: speed(batch) * seconds,
        seconds,
        milliseconds: [],
        cpuMilliseconds: 0,
      });
    },
  };
}

test('the batch size is the fastest one', async () => {
  const light = net((batch) => (batch === 16 ? 3000 : 2000));
  assert.equal(await chooseBatch(light, 2), 16);
  assert.ok(light.tried.has(128));
});

test('a heavy net is not tried with batches that would fill more than a turn', async () => {
  const heavy = net((batch) => 50 + batch);
  assert.equal(await chooseBatch(heavy, 2), 8);
  assert.deepEqual([...heavy.tried], [1, 2, 4, 8]);
  assert.equal(
    await chooseBatch(
      net(() => 0.1),
      2,
    ),
    1,
  );
});
