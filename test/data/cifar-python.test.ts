import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCifar } from '../../core/data/cifar/read.ts';
import { CIFAR10_PYTHON } from '../../core/data/cifar10.ts';
import { loadDataset } from '../../core/data/load.ts';
import { ArrayOf, opcodes, pickleOf } from './pickle-bytes.ts';
import { FIXTURES, SMALL_CIFAR10_PYTHON, SMALL_CIFAR100_PYTHON } from './small-cifar.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { rejectsPlainly } from './user-error.ts';

const CIFAR10_DIR = join(FIXTURES, 'cifar-10-batches-py');

/** A writable copy of the CIFAR-10 fixture. */
async function copy(): Promise<string> {
  const folder = join(await temporaryFolder(), 'py');
  await cp(CIFAR10_DIR, folder, { recursive: true });
  return folder;
}

test('reads the Python version of CIFAR-10', async () => {
  const dataset = await readCifar(CIFAR10_DIR, false, SMALL_CIFAR10_PYTHON);
  assert.deepEqual([dataset.name, dataset.height, dataset.width], ['cifar10', 32, 32]);
  assert.deepEqual([dataset.labels.length, dataset.labels[0], dataset.labels[9]], [10, 'airplane', 'truck']);
  assert.equal(dataset.superclasses, undefined);
  assert.deepEqual([...dataset.train.labels], [1, 4, 7, 0, 3]);
  assert.deepEqual([...dataset.test.labels], [9, 0]);
  assert.ok(dataset.train.images.buffer instanceof SharedArrayBuffer);
  const pixels = [...dataset.train.images, ...dataset.test.images];
  assert.equal(pixels.length, 7 * 3072);
  pixels.forEach((value, at) => {
    const image = Math.floor(at / 3072);
    if (value !== (31 * image + 7 * (at % 3072)) % 256) assert.fail(`image ${image}, byte ${at % 3072}`);
  });
});

test('reads the Python version of CIFAR-100 with its superclasses', async () => {
  const dataset = await readCifar(join(FIXTURES, 'cifar-100-python'), false, SMALL_CIFAR100_PYTHON);
  assert.deepEqual([dataset.name, dataset.labels.length, dataset.labels[57]], ['cifar100', 100, 'fine57']);
  assert.deepEqual([...dataset.train.labels, ...dataset.test.labels], [0, 57, 99, 57, 20]);
  const { names, ofClass } = dataset.superclasses!;
  assert.deepEqual([names.length, names[19], ofClass[57], ofClass[99]], [20, 'coarse19', 17, 19]);
  assert.equal(dataset.test.images[3071], (31 * 3 + 7 * 3071) % 256);
});

test('reads only the splits asked for', async () => {
  const folder = await copy();
  for (let batch = 1; batch <= 5; batch++) await rm(join(folder, `data_batch_${batch}`));
  const dataset = await readCifar(folder, false, SMALL_CIFAR10_PYTHON, ['test']);
  assert.deepEqual([dataset.train.count, dataset.test.count], [0, 2]);
  await rejectsPlainly(
    readCifar(folder, false, SMALL_CIFAR10_PYTHON),
    /data_batch_1 is missing; fetch it again, or the binary version with npm run data -- --dataset cifar10/,
  );
});

test('an official release must be complete', async () => {
  await rejectsPlainly(
    loadDataset({ dir: CIFAR10_DIR }),
    /^--data: .*data_batch_1 has images of shape 1 x 3072 where CIFAR-10 has 10000 x 3072/,
  );
});

test('reads a split of the official size through loadDataset', async () => {
  const folder = join(await temporaryFolder(), 'cifar-10-batches-py');
  await mkdir(folder);
  const data = Buffer.alloc(10_000 * 3072);
  for (let i = 0; i < 10_000; i++) data.fill(i % 251, i * 3072, (i + 1) * 3072);
  const labels = Array.from({ length: 10_000 }, (_, i) => i % 10);
  await writeFile(join(folder, 'test_batch'), pickleOf({ data: new ArrayOf([10_000, 3072], data), labels }));
  await writeFile(join(folder, 'batches.meta'), await readFile(join(CIFAR10_DIR, 'batches.meta')));
  for (const dir of [folder, join(folder, '..')]) {
    const dataset = await loadDataset({ dir, splits: ['test'] });
    assert.deepEqual([dataset.name, dataset.test.count, dataset.test.labels[9_999]], ['cifar10', 10_000, 9]);
    assert.equal(dataset.test.images[9_999 * 3072], 9_999 % 251);
  }
});

test('hostile and damaged files are refused by name', async () => {
  const folder = await copy();
  const file = join(folder, 'data_batch_3');
  const read = (): Promise<unknown> => readCifar(folder, false, SMALL_CIFAR10_PYTHON, ['train']);
  const refuses = async (bytes: Uint8Array, message: RegExp): Promise<void> => {
    await writeFile(file, bytes);
    await rejectsPlainly(read(), message);
  };
  const image = new ArrayOf([1, 3072], Buffer.alloc(3072));
  await refuses(
    opcodes('\x80\x02cposix\nsystem\nU\x04trueq\0\x85R.'),
    /data_batch_3 refers to "posix\.system", which is not allowed/,
  );
  await refuses(pickleOf([1, 2]), /data_batch_3 is a pickle of something else than a dict/);
  await refuses(pickleOf({ labels: [1] }), /no array of bytes as "data"/);
  await refuses(pickleOf({ data: [1], labels: [1] }), /no array of bytes as "data"/);
  const wide = new ArrayOf([1, 3072], Buffer.alloc(4 * 3072), 'f4');
  await refuses(pickleOf({ data: wide, labels: [1] }), /no array of bytes as "data"/);
  const turned = new ArrayOf([1, 3072], Buffer.alloc(3072), 'u1', true);
  await refuses(pickleOf({ data: turned, labels: [1] }), /no array of bytes as "data"/);
  const square = new ArrayOf([1, 3, 32, 32], Buffer.alloc(3072));
  await refuses(pickleOf({ data: square, labels: [1] }), /shape 1 x 3 x 32 x 32 where CIFAR-10 has 1 x 3072/);
  await refuses(pickleOf({ data: image, labels: [1, 2] }), /no list of 1 labels as "labels"/);
  await refuses(pickleOf({ data: image, labels: ['1'] }), /no list of 1 labels as "labels"/);
  await refuses(pickleOf({ data: image, labels: [-1] }), /no list of 1 labels as "labels"/);
  await refuses(
    pickleOf({ data: image, labels: [10] }),
    /data_batch_3, image 0: label 10 is outside CIFAR-10's 10/,
  );
  await writeFile(file, await readFile(join(CIFAR10_DIR, 'data_batch_3')));
  await truncate(file, 3000);
  await rejectsPlainly(read(), /data_batch_3 is truncated/);
});

test('the names must be complete', async () => {
  const folder = await copy();
  await writeFile(join(folder, 'batches.meta'), pickleOf({ label_names: ['cat', 'dog'] }));
  await rejectsPlainly(
    readCifar(folder, false, CIFAR10_PYTHON, []),
    /batches\.meta has no list of 10 names as "label_names"/,
  );
});
