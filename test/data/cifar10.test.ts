import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCifar } from '../../core/data/cifar/read.ts';
import { CIFAR10_BINARY } from '../../core/data/cifar10.ts';
import { loadDataset } from '../../core/data/load.ts';
import { smaller } from './small-cifar.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { rejectsPlainly } from './user-error.ts';

const NAMES = 'airplane automobile bird cat deer dog frog horse ship truck'.split(' ');
const RECORD = 3073;

/** Images of class `first + i` (mod 10), whose pixels are `first + i`, the last byte 255. */
function batch(first: number, count: number): Buffer {
  const bytes = Buffer.alloc(count * RECORD);
  for (let i = 0; i < count; i++) {
    const record = bytes.subarray(i * RECORD, (i + 1) * RECORD).fill((first + i) % 251);
    record[0] = (first + i) % 10;
    record[RECORD - 1] = 255;
  }
  return bytes;
}

const folder = join(await temporaryFolder(), CIFAR10_BINARY.folder);
await mkdir(folder);
await writeFile(join(folder, 'batches.meta.txt'), `${NAMES.join('\n')}\n\n`);
for (let k = 0; k < 5; k++) await writeFile(join(folder, `data_batch_${k + 1}.bin`), batch(4 * k, 4));
await writeFile(join(folder, 'test_batch.bin'), batch(50, 10));
const small = smaller(CIFAR10_BINARY, 4, 10);

test('reads the batches in order', async () => {
  const dataset = await readCifar(folder, false, small);
  assert.deepEqual(dataset.labels, NAMES);
  assert.deepEqual([dataset.name, dataset.superclasses], ['cifar10', undefined]);
  assert.deepEqual(dataset.normalization, { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] });
  assert.deepEqual(
    [...dataset.train.labels],
    Array.from({ length: 20 }, (_, i) => i % 10),
  );
  for (let i = 0; i < 20; i++) {
    const image = dataset.train.images.subarray(i * 3072, (i + 1) * 3072);
    assert.deepEqual([image[0], image[3070], image[3071]], [i, i, 255]);
  }
  assert.deepEqual([dataset.test.count, dataset.test.images[0]], [10, 50]);
});

test('a split of the official size is read through loadDataset', async () => {
  const full = await temporaryFolder();
  await writeFile(join(full, 'batches.meta.txt'), NAMES.join('\r\n'));
  await writeFile(join(full, 'test_batch.bin'), batch(0, 10_000));
  const dataset = await loadDataset({ dir: full, splits: ['test'] });
  assert.deepEqual([dataset.name, dataset.test.count, dataset.test.labels[9_999]], ['cifar10', 10_000, 9]);
  assert.equal(dataset.test.images[9_999 * 3072], 9_999 % 251);
});

test('damaged files are refused', async () => {
  const read = (): Promise<unknown> => readCifar(folder, false, small);
  const file = join(folder, 'data_batch_2.bin');
  await writeFile(file, batch(4, 4).subarray(1));
  await rejectsPlainly(
    read(),
    /data_batch_2\.bin is 12291 bytes where CIFAR-10 has 12292 \(4 images of 3073 bytes\), so it is truncated or/,
  );
  const bytes = batch(4, 4);
  bytes[2 * RECORD] = 10;
  await writeFile(file, bytes);
  await rejectsPlainly(
    read(),
    /data_batch_2\.bin, image 2: label 10 is outside CIFAR-10's 10 classes; fetch/,
  );
  await rm(file);
  await rejectsPlainly(read(), /data_batch_2\.bin is missing; .*npm run data -- --dataset cifar10/);
  await writeFile(file, Buffer.alloc(4 * RECORD));
  await writeFile(join(folder, 'test_batch.bin'), Buffer.alloc(10 * RECORD));
  await rejectsPlainly(read(), /test_batch\.bin has no image of class 1, so it is not CIFAR-10/);
});
