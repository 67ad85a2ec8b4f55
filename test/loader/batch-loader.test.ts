import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeSynthetic } from '../../core/data/synthetic.ts';
import { UserError } from '../../core/errors.ts';
import { Normalizer } from '../../core/preprocess/normalize.ts';
import { Random } from '../../core/random.ts';
import { HorizontalFlip } from '../../train/loader/augment/horizontal-flip.ts';
import { CutMix } from '../../train/loader/augment/mix/cutmix.ts';
import { MixUp } from '../../train/loader/augment/mix/mixup.ts';
import { AutoAugment } from '../../train/loader/augment/policy/auto-augment.ts';
import { RandomCrop } from '../../train/loader/augment/random-crop.ts';
import { RandomErasing } from '../../train/loader/augment/random-erasing.ts';
import { type Batch, BatchLoader, type BatchLoaderOptions } from '../../train/loader/batch-loader.ts';
import { epochOrder } from '../../train/loader/epoch-order.ts';
import { RandomStream } from '../../train/loader/random-stream.ts';
import { DEFAULTS } from '../../train/recipe/settings.ts';
import { fillTargets } from '../../train/targets.ts';

const { train: split, normalization } = makeSynthetic({ train: 70, splits: ['train'] });
const base: BatchLoaderOptions = {
  split,
  height: 32,
  width: 32,
  normalization,
  classes: 100,
  batchSize: 16,
  seed: 7,
  augment: DEFAULTS,
};

async function withLoader<T>(
  options: Partial<BatchLoaderOptions>,
  use: (loader: BatchLoader) => Promise<T>,
): Promise<T> {
  const loader = new BatchLoader({ ...base, ...options });
  try {
    return await use(loader);
  } finally {
    await loader.close();
  }
}

/** A digest of each batch of an epoch, releasing the batches unless told otherwise. */
async function digests(
  loader: BatchLoader,
  epoch: number,
  startBatch = 0,
  release = true,
): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of loader.epoch(epoch, startBatch)) {
    assert.equal(batch.images.length, batch.size * 3072);
    assert.equal(batch.labels.length, batch.size);
    assert.equal(batch.targets.length, batch.size * 100);
    // onnxruntime-node answers a tensor on shared memory with "Invalid argument".
    const arrays = [batch.images, batch.labels, batch.targets];
    assert.ok(arrays.every(({ buffer }) => buffer instanceof ArrayBuffer));
    const hash = createHash('sha256');
    for (const { buffer, byteOffset, byteLength } of arrays) {
      hash.update(Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength));
    }
    found.push(hash.digest('hex'));
    if (release) batch.release();
  }
  return found;
}

test('batches depend on seed and epoch, not on workers, prefetching, releasing or where one starts', async () => {
  const epochs = await withLoader({}, async (loader) => {
    assert.equal(loader.batchesPerEpoch, 5);
    return [await digests(loader, 0), await digests(loader, 1), await digests(loader, 0)];
  });
  assert.equal(epochs[0]!.length, 5);
  assert.notDeepEqual(epochs[1], epochs[0]);
  assert.deepEqual(epochs[2], epochs[0]);
  await withLoader({ workers: 3 }, async (loader) => {
    assert.deepEqual(await digests(loader, 1), epochs[1]);
    assert.deepEqual(await digests(loader, 0), epochs[0]);
  });
  await withLoader({ workers: 2, prefetch: 1 }, async (loader) => {
    assert.deepEqual(await digests(loader, 0, 0, false), epochs[0]);
    assert.deepEqual(await digests(loader, 0, 3), epochs[0]!.slice(3));
    assert.deepEqual(await digests(loader, 0, 5), []);
  });
  await withLoader({ seed: 8 }, async (loader) => {
    assert.notDeepEqual(await digests(loader, 0), epochs[0]);
  });
});

/** Everything at once. */
const full = {
  ...DEFAULTS,
  augment: 'autoaugment',
  randomErasing: 0.5,
  cutmixProb: 0.5,
  mixupAlpha: 0.4,
} as const;
const plain = { ...DEFAULTS, augment: 'none' } as const;

test('so do batches of the full recipe', async () => {
  for (const augment of ['autoaugment', 'randaugment', 'trivialaugment'] as const) {
    const options = { augment: { ...full, augment }, labelSmoothing: 0.1 };
    const expected = await withLoader(options, (loader) => digests(loader, 3));
    assert.equal(new Set(expected).size, 5);
    await withLoader({ ...options, workers: 3 }, async (loader) => {
      await digests(loader, 2);
      assert.deepEqual(await digests(loader, 3, 2), expected.slice(2));
      assert.deepEqual(await digests(loader, 3), expected);
    });
  }
});

test('the last epochs may be cropped and flipped only', async () => {
  const standard = await withLoader({ labelSmoothing: 0.1 }, async (loader) => [
    await digests(loader, 1),
    await digests(loader, 2),
  ]);
  const whole = await withLoader({ labelSmoothing: 0.1, augment: full }, (loader) => digests(loader, 1));
  await withLoader({ labelSmoothing: 0.1, augment: full, plainFrom: 2 }, async (loader) => {
    assert.deepEqual(await digests(loader, 2), standard[1]);
    assert.deepEqual(await digests(loader, 1), whole);
    assert.notDeepEqual(whole, standard[0]);
  });
  // Where nothing was done to images, nothing is.
  const untouched = await withLoader({ augment: plain }, (loader) => digests(loader, 0));
  await withLoader({ augment: { ...plain, cutmixProb: 1 }, plainFrom: 0 }, async (loader) => {
    assert.deepEqual(await digests(loader, 0), untouched);
  });
});

test('targets are smoothed labels', async () => {
  await withLoader({ augment: plain, labelSmoothing: 0.1 }, async (loader) => {
    for await (const { labels, targets, size } of loader.epoch(0)) {
      for (let i = 0; i < size * 100; i++) {
        const expected = i % 100 === labels[Math.floor(i / 100)] ? 0.901 : 0.001;
        assert.ok(Math.abs(targets[i]! - expected) < 1e-6);
      }
    }
  });
});

test('a batch is mixed by CutMix, or else by MixUp, with its targets; not by both', async () => {
  const augment = { ...plain, cutmixProb: 0.5, mixupAlpha: 0.4 };
  const cutMix = new CutMix({ height: 32, width: 32 }, 1, 0.5);
  const mixUp = new MixUp(0.4);
  const normalizer = new Normalizer(normalization);
  const kinds: string[] = [];
  await withLoader({ augment, labelSmoothing: 0.1 }, async (loader) => {
    for (const epoch of [0, 1, 2]) {
      const order = epochOrder(70, 7, epoch);
      let number = 0;
      for await (const { images, labels, targets, size } of loader.epoch(epoch)) {
        const indices = order.subarray(number * 16, number * 16 + size);
        const expected = new Float32Array(size * 3072);
        for (const [i, index] of indices.entries()) {
          normalizer.planar(split.images, index * 3072, expected, i * 3072, 1024);
        }
        const random = new Random(7, RandomStream.batch, epoch, number);
        const cut = cutMix.apply(expected, size, random);
        const mix = cut ?? mixUp.apply(expected, size, random);
        kinds.push(cut ? 'cutmix' : 'mixup');
        assert.deepEqual(images, expected);
        const own = Int32Array.from(indices, (index) => split.labels[index]!);
        assert.deepEqual(labels, own);
        const expectedTargets = new Float32Array(size * 100);
        fillTargets(own, 100, expectedTargets, { smoothing: 0.1, mix });
        assert.deepEqual(targets, expectedTargets);
        number += 1;
      }
    }
  });
  assert.deepEqual([...new Set(kinds)].sort(), ['cutmix', 'mixup']);
});

test('the order is crop, flip and policy on bytes, normalisation, erasing', async () => {
  const image = new Uint8Array(3072);
  const normalizer = new Normalizer(normalization);
  const size = { height: 32, width: 32 };
  const augment = { ...full, cutmixProb: 0, mixupAlpha: 0 };
  const steps = [new RandomCrop(size, 4), new HorizontalFlip(size), new AutoAugment(size)];
  const erasing = new RandomErasing(size, 0.5);
  await withLoader({ augment, batchSize: 70 }, async (loader) => {
    for await (const { images } of loader.epoch(4)) {
      const expected = new Float32Array(3072);
      for (const [i, index] of epochOrder(70, 7, 4).entries()) {
        image.set(split.images.subarray(index * 3072, (index + 1) * 3072));
        const random = new Random(7, RandomStream.image, 4, index);
        for (const step of steps) step.apply(image, random);
        normalizer.planar(image, 0, expected, 0, 1024);
        erasing.apply(expected, 0, random);
        assert.deepEqual(images.subarray(i * 3072, (i + 1) * 3072), expected);
      }
    }
  });
});

test('an epoch visits every image once, in the order of its seed', async () => {
  const order = epochOrder(70, 7, 3);
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    Array.from({ length: 70 }, (_, i) => i),
  );
  assert.notDeepEqual(order, epochOrder(70, 7, 4));
  const normalizer = new Normalizer(normalization);
  await withLoader({ augment: plain }, async (loader) => {
    let seen = 0;
    const expected = new Float32Array(3072);
    for await (const batch of loader.epoch(3)) {
      for (let i = 0; i < batch.size; i++) {
        const index = order[seen]!;
        seen += 1;
        assert.equal(batch.labels[i], split.labels[index]);
        normalizer.planar(split.images, index * 3072, expected, 0, 1024);
        assert.deepEqual(batch.images.subarray(i * 3072, (i + 1) * 3072), expected);
      }
      batch.release();
    }
    assert.equal(seen, 70);
  });
});

test('padding is black before normalisation: (0 - mean) / std', async () => {
  const white = { count: 64, images: new Uint8Array(64 * 3072).fill(255), labels: new Uint16Array(64) };
  await withLoader({ split: white, batchSize: 64 }, async (loader) => {
    for await (const batch of loader.epoch(0)) {
      const values = new Set(batch.images);
      const { mean, std } = normalization;
      assert.deepEqual(
        [...values].sort((a, b) => a - b),
        [Math.fround((0 - mean[0]) / std[0]), Math.fround((1 - mean[0]) / std[0])],
      );
    }
  });
});

test('dropLast leaves out the batch that is not full', async () => {
  await withLoader({ dropLast: true }, async (loader) => {
    assert.equal(loader.batchesPerEpoch, 4);
    assert.equal((await digests(loader, 0)).length, 4);
  });
});

test('leaving an epoch early is safe, and two epochs may be read at once', async () => {
  await withLoader({}, async (loader) => {
    const expected = await digests(loader, 2);
    for await (const batch of loader.epoch(0)) {
      batch.release();
      break;
    }
    const both = await Promise.all([digests(loader, 2), digests(loader, 2)]);
    assert.deepEqual(both, [expected, expected]);
  });
});

test('memory is reused after release, and releasing twice is harmless', async () => {
  await withLoader({ prefetch: 1 }, async (loader) => {
    let kept: Batch | undefined;
    for (const epoch of [0, 1, 2]) {
      for await (const batch of loader.epoch(epoch)) {
        kept ??= batch;
        batch.release();
        batch.release();
      }
    }
    // Moved to a worker: a use after release shows at once instead of reading another batch's pixels.
    assert.equal(kept!.images.length, 0);
  });
});

test('a worker that throws makes the epoch throw, and every later one', { timeout: 60_000 }, async () => {
  const workerScript = new URL('./failing-worker.ts', import.meta.url);
  await withLoader({ workerScript }, async (loader) => {
    await assert.rejects(digests(loader, 0), /a data loader worker failed: batch 2 is cursed/);
    await assert.rejects(digests(loader, 1), /batch 2 is cursed/);
  });
});

test('a worker that ends, or cannot start, makes the epoch throw', { timeout: 60_000 }, async () => {
  await withLoader({ workerScript: new URL('./failing-worker.ts', import.meta.url) }, async (loader) => {
    await assert.rejects(digests(loader, 13), /a data loader worker ended with code 5/);
  });
  await withLoader({ workerScript: new URL('./no-such-worker.ts', import.meta.url) }, async (loader) => {
    await assert.rejects(digests(loader, 0), /a data loader worker failed: .*no-such-worker/);
  });
});

test('closing makes an epoch that is being read throw', { timeout: 60_000 }, async () => {
  const loader = new BatchLoader(base);
  const epoch = loader.epoch(0);
  const waiting = assert.rejects(epoch.next(), /the batch loader is closed/);
  await loader.close();
  await waiting;
  await assert.rejects(digests(loader, 1), /the batch loader is closed/);
  await loader.close();
});

test('bad options are refused', () => {
  const bad: [Partial<BatchLoaderOptions>, RegExp][] = [
    [{ batchSize: 0 }, /batch size must be a whole number from 1 on, not 0/],
    [{ workers: 0 }, /loader workers/],
    [{ prefetch: 0.5 }, /made ahead/],
    [{ labelSmoothing: 2 }, /label smoothing must be from 0 to 1, not 2/],
    [{ batchSize: 71, dropLast: true }, /70 training images do not fill a batch of 71/],
    [
      { split: { ...split, count: 0, images: new Uint8Array(0), labels: new Uint16Array(0) } },
      /0 training images/,
    ],
  ];
  for (const [options, message] of bad) {
    assert.throws(
      () => new BatchLoader({ ...base, ...options }),
      (error: unknown) => error instanceof UserError && message.test(error.message),
    );
  }
  assert.throws(() => new BatchLoader({ ...base, split: { ...split, count: 71 } }), RangeError);
  assert.throws(() => new BatchLoader({ ...base, classes: 5 }), /label \d+ is not below 5 classes/);
});

test('works from another folder, and a loader left open does not keep the process alive', async () => {
  const tsx = fileURLToPath(import.meta.resolve('tsx/cli'));
  const script = fileURLToPath(new URL('./leave-open.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [tsx, script], {
    cwd: '/',
    timeout: 60_000,
  });
  assert.equal(stdout, '10 images\n');
});
