import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnavailableError, UserError } from '../../core/errors.ts';
import { InferencePool, type InferencePoolOptions } from '../../serve/inference/pool.ts';

const echo = {
  model: new Uint8Array(1),
  height: 1,
  width: 1,
  classes: 1,
  workerModule: new URL('./support/crashing-worker.ts', import.meta.url),
};

async function withPool(
  options: Partial<InferencePoolOptions>,
  body: (pool: InferencePool) => Promise<void>,
): Promise<void> {
  const pool = await InferencePool.start({ ...echo, ...options });
  try {
    await body(pool);
  } finally {
    await pool.close();
  }
}

/** Images of 3 values of which the first is what the echo worker answers. */
const images = (...values: number[]): Float32Array<ArrayBuffer> =>
  Float32Array.from(values.flatMap((value) => [value, 0, 0]));

test('requests that wait are run together, up to the largest batch', () =>
  withPool({ maxBatch: 4 }, async (pool) => {
    const results = await Promise.all([1, 2, 3, 4, 5, 6].map((value) => pool.run(images(value), 1)));
    assert.deepEqual(
      results.map((result) => [...result.logits]),
      [[1], [2], [3], [4], [5], [6]],
    );
    // The first found the worker idle; the next four waited for it and filled a batch.
    assert.deepEqual(
      results.map((result) => result.milliseconds),
      [1, 4, 4, 4, 4, 1],
    );
  }));

test('jobs of several images keep their rows, whatever they are joined with', () =>
  withPool({ maxBatch: 4 }, async (pool) => {
    const results = await Promise.all([
      pool.run(images(1), 1),
      pool.run(images(2, 3), 2),
      pool.run(images(4), 1),
      pool.run(images(5, 6, 7, 8, 9, 10), 6),
    ]);
    assert.deepEqual(
      results.map((result) => [...result.logits]),
      [[1], [2, 3], [4], [5, 6, 7, 8, 9, 10]],
    );
  }));

test('a worker that dies is replaced and its requests are answered', () =>
  withPool({}, async (pool) => {
    // 665 kills the worker that is first asked it, 666 every one.
    const unlucky = [665, 5].map((value) => pool.run(images(value), 1));
    assert.deepEqual(
      (await Promise.all(unlucky)).map(({ logits }) => [...logits]),
      [[665], [5]],
    );
    assert.equal(pool.ready, true);
  }));

test('a request that kills every worker gets 503, and takes no other with it', async () => {
  const crashes: string[] = [];
  const observer = { waited: () => {}, ran: () => {}, crashed: (reason: string) => crashes.push(reason) };
  await withPool({ maxBatch: 8, observer }, async (pool) => {
    const first = pool.run(images(1), 1);
    // These wait for the first, so they are one batch.
    const [doomed, ...others] = [666, 2, 3].map((value) => pool.run(images(value), 1));
    await assert.rejects(doomed!, (error) => error instanceof UnavailableError && error.status === 503);
    assert.deepEqual(
      (await Promise.all([first, ...others])).map(({ logits }) => [...logits]),
      [[1], [2], [3]],
    );
  });
  assert.deepEqual(crashes, ['it ended with code 1', 'it ended with code 1']);
});

test('a request that waited too long, or whose client is gone, is not run', () =>
  withPool({ maxBatch: 1 }, async (pool) => {
    const first = pool.run(images(1), 1);
    const late = pool.run(images(2), 1, { deadline: performance.now() - 1 });
    const gone = pool.run(images(3), 1, { isGone: () => true });
    const patient = pool.run(images(4), 1, { deadline: performance.now() + 60_000, isGone: () => false });
    await assert.rejects(late, /waited too long/);
    await assert.rejects(gone, /closed the connection/);
    assert.deepEqual([...(await patient).logits], [4]);
    assert.deepEqual([...(await first).logits], [1]);
    assert.equal(pool.queued, 0);
  }));

test('with a second worker the waiting requests survive a crash', () =>
  withPool({ workers: 2 }, async (pool) => {
    const doomed = pool.run(images(666), 1);
    const others = [1, 2, 3].map((value) => pool.run(images(value), 1));
    await assert.rejects(doomed, UnavailableError);
    assert.deepEqual(
      (await Promise.all(others)).map((result) => [...result.logits]),
      [[1], [2], [3]],
    );
  }));

test('a request that comes alone goes to the solo worker, more of them to the others in equal shares', () => {
  // Which worker ran it shows in its threads.
  const workerModule = new URL('./support/threads-worker.ts', import.meta.url);
  return withPool({ workerModule, workers: 2, threads: 1, soloThreads: 8 }, async (pool) => {
    const ran = async (count: number) => {
      const results = await Promise.all(Array.from({ length: count }, (_, i) => pool.run(images(i), 1)));
      return results.map(({ logits: [threads], milliseconds: batch }) => [threads, batch]);
    };
    assert.deepEqual(await ran(1), [[8, 1]]);
    // The first comes alone; what comes while it runs is not alone.
    assert.deepEqual(await ran(5), [
      [8, 1],
      [1, 1],
      [1, 1],
      [1, 2],
      [1, 2],
    ]);
    // One request cut in two is not alone either.
    const cut = await pool.run(images(...Array.from({ length: 64 }, () => 0)), 64);
    assert.deepEqual(new Set(cut.logits), new Set([1]));
    assert.deepEqual(await ran(1), [[8, 1]]);
  });
});

test('an error inside a run fails that batch only', () =>
  withPool({}, async (pool) => {
    await assert.rejects(pool.run(images(667), 1), /as asked/);
    assert.deepEqual([...(await pool.run(images(1), 1)).logits], [1]);
  }));

test('of requests that ran together only those fail that do so alone', () =>
  withPool({ maxBatch: 4 }, async (pool) => {
    const results = await Promise.allSettled([1, 2, 667, 3].map((value) => pool.run(images(value), 1)));
    assert.deepEqual(
      results.map((result) =>
        result.status === 'fulfilled' ? [...result.value.logits] : result.reason.message,
      ),
      [[1], [2], 'inference failed: as asked', [3]],
    );
  }));

test('a worker that finds that batches fail is given images one by one', () =>
  withPool(
    { maxBatch: 4, workerModule: new URL('./support/single-worker.ts', import.meta.url) },
    async (pool) => {
      const results = await Promise.all([pool.run(images(1, 2, 3), 3), pool.run(images(4), 1)]);
      assert.deepEqual(
        results.map(({ logits }) => [...logits]),
        [[1, 2, 3], [4]],
      );
      assert.equal(pool.batchProblem, 'it fails with 4 images at once');
    },
  ));

test('a queue that is full refuses', () =>
  withPool({ maxBatch: 1, maxQueued: 2 }, async (pool) => {
    const accepted = [1, 2, 3].map((value) => pool.run(images(value), 1));
    await assert.rejects(pool.run(images(4), 1), /overloaded/);
    await Promise.all(accepted);
    await pool.run(images(5), 1);
  }));

test('a closed pool refuses, and fails what waits', async () => {
  const pool = await InferencePool.start(echo);
  const pending = [1, 2].map((value) => pool.run(images(value), 1));
  const settled = Promise.allSettled(pending);
  await pool.close();
  const [running, waiting] = await settled;
  // What runs may be answered before its worker is stopped.
  if (running!.status === 'rejected') assert.ok(running!.reason instanceof UnavailableError);
  else assert.deepEqual([...running!.value.logits], [1]);
  assert.ok(waiting!.status === 'rejected' && waiting!.reason instanceof UnavailableError);
  await assert.rejects(pool.run(images(1), 1), /shutting down/);
});

test('bytes that are no model are a UserError', async () => {
  const { workerModule: _, ...real } = echo;
  await assert.rejects(
    InferencePool.start({ ...real, model: new Uint8Array([1, 2, 3]) }),
    (error) => error instanceof UserError && /cannot be run/.test(error.message),
  );
});

test('an input of the wrong size is refused before it reaches the worker', () =>
  withPool({}, async (pool) => {
    await assert.rejects(pool.run(images(1), 2), RangeError);
  }));
