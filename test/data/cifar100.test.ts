import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ImageDataset, SplitName } from '../../core/data/dataset.ts';
import { loadDataset } from '../../core/data/load.ts';
import { UserError } from '../../core/errors.ts';
import { CIFAR100_RECORD_BYTES, splitBytes, writeCifar100 } from './cifar100-files.ts';
import { temporaryFolder } from './temporary-folder.ts';

const root = await temporaryFolder();
const folder = join(root, 'cifar-100-binary');
const good = splitBytes('test');
await writeCifar100(folder, { test: good });

const readCifar100 = (dir: string, splits?: SplitName[]): Promise<ImageDataset> =>
  loadDataset({ dataset: 'cifar100', dir, splits });

/** Reads the test split after replacing its file, and expects a one-line UserError. */
async function rejects(bytes: Uint8Array, message: RegExp): Promise<void> {
  await writeFile(join(folder, 'test.bin'), bytes);
  await assert.rejects(readCifar100(root, ['test']), (error: unknown) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, message);
    assert.ok(error.message.includes(join(folder, 'test.bin')), 'names the file');
    assert.ok(!error.message.includes('\n'));
    return true;
  });
  await writeFile(join(folder, 'test.bin'), good);
}

test('reads images and labels into shared memory, from the folder or its parent', async () => {
  for (const dir of [root, folder]) {
    const dataset = await readCifar100(dir, ['test']);
    assert.equal(dataset.test.count, 10_000);
    assert.equal(dataset.train.count, 0);
    assert.ok(dataset.test.images.buffer instanceof SharedArrayBuffer);
    for (const i of [0, 499, 500, 9_999]) {
      assert.equal(dataset.test.labels[i], i % 100);
      const image = dataset.test.images.subarray(i * 3072, (i + 1) * 3072);
      assert.deepEqual([image[0], image[1], image[3070], image[3071]], [1, i % 251, i % 251, 2]);
    }
    assert.equal(dataset.labels[99], 'fine99');
    assert.deepEqual(
      [...dataset.superclasses!.ofClass],
      Array.from({ length: 100 }, (_, i) => i % 20),
    );
  }
});

test('a truncated file is refused with expected and actual bytes', async () => {
  await rejects(good.subarray(0, good.length - 1), /30739999 bytes where CIFAR-100 has 30740000 .*truncated/);
  await rejects(new Uint8Array(0), /is 0 bytes/);
});

test('a longer or foreign file is refused', async () => {
  await rejects(Buffer.concat([good, Buffer.alloc(1)]), /30740001 bytes .*another file/);
  await rejects(Buffer.alloc(good.length), /no image of class 1/);
  await rejects(Buffer.alloc(good.length, 255), /image 0: label 255/);
});

test('labels out of range or at odds with each other are refused', async () => {
  const at = 700 * CIFAR100_RECORD_BYTES;
  const bytes = Buffer.from(good);
  bytes[at + 1] = 100;
  await rejects(bytes, /image 700: label 100/);
  bytes[at + 1] = 0;
  bytes[at] = 20;
  await rejects(bytes, /image 700: .*superclass 20/);
  bytes[at] = 7;
  await rejects(bytes, /image 700: class 0 is in superclass 7 here and in 0 before/);
});

test('missing files and wrong folders say what to give', async () => {
  await assert.rejects(readCifar100(root, ['train']), /train\.bin is missing/);
  await assert.rejects(readCifar100(join(root, 'nowhere')), /nowhere does not exist/);
  await assert.rejects(
    readCifar100(join(folder, 'test.bin')),
    /test\.bin is damaged or no \.tar\.gz archive/,
  );
  const empty = await temporaryFolder();
  await assert.rejects(readCifar100(empty), /no CIFAR-100 in/);
});

test('label names must be complete', async () => {
  const names = join(folder, 'fine_label_names.txt');
  await writeFile(names, 'apple\nbear\n');
  await assert.rejects(
    readCifar100(root, ['test']),
    /fine_label_names\.txt has 2 names where CIFAR-100 has 100/,
  );
  await rm(names);
  await assert.rejects(readCifar100(root, ['test']), /fine_label_names\.txt is missing/);
});

const realDir = process.env.CIFAR100_DIR;
test('the real CIFAR-100', {
  skip: realDir ? false : 'set CIFAR100_DIR to where CIFAR-100 is; npm run data downloads it',
}, async () => {
  const dataset = await readCifar100(realDir!);
  assert.equal(dataset.train.count, 50_000);
  assert.deepEqual([dataset.labels[0], dataset.labels[99]], ['apple', 'worm']);
  assert.equal(dataset.superclasses!.names[dataset.superclasses!.ofClass[0]!], 'fruit_and_vegetables');
  for (const [split, perClass] of [
    [dataset.train, 500],
    [dataset.test, 100],
  ] as const) {
    const counts = new Uint32Array(100);
    for (const label of split.labels) counts[label]! += 1;
    assert.ok(counts.every((count) => count === perClass));
  }
  for (let c = 0; c < 3; c++) {
    let sum = 0;
    for (let i = 0; i < 50_000; i++) {
      const plane = dataset.train.images.subarray(i * 3072 + c * 1024, i * 3072 + (c + 1) * 1024);
      for (let p = 0; p < 1024; p++) sum += plane[p]!;
    }
    assert.ok(Math.abs(sum / (50_000 * 1024 * 255) - dataset.normalization.mean[c]!) < 3e-4);
  }
});
