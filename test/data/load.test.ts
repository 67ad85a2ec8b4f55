import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { CIFAR100_BINARY } from '../../core/data/cifar100.ts';
import { findData } from '../../core/data/find.ts';
import { drawHeldOut } from '../../core/data/hold-out.ts';
import {
  describeLocation,
  type LoadDatasetOptions,
  loadDataset,
  locateDataset,
} from '../../core/data/load.ts';
import { makeSynthetic } from '../../core/data/synthetic.ts';
import { UserError } from '../../core/errors.ts';
import type { PixelImage } from '../../core/preprocess/pixel-image.ts';
import { resizeBilinear } from '../../core/preprocess/resize.ts';
import { splitBytes, writeCifar100 } from './cifar100-files.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { rejectsPlainly } from './user-error.ts';

const CIFAR100_FOLDER = CIFAR100_BINARY.folder;
const full = await temporaryFolder();
await writeCifar100(join(full, CIFAR100_FOLDER), { test: splitBytes('test') });
const empty = await temporaryFolder();

const before = { cwd: process.cwd(), dir: process.env.CIFAR100_DIR, ten: process.env.CIFAR10_DIR };
beforeEach(() => {
  process.chdir(empty);
  delete process.env.CIFAR100_DIR;
  delete process.env.CIFAR10_DIR;
});
afterEach(() => {
  process.chdir(before.cwd);
  if (before.dir === undefined) delete process.env.CIFAR100_DIR;
  else process.env.CIFAR100_DIR = before.dir;
  if (before.ten !== undefined) process.env.CIFAR10_DIR = before.ten;
});

test('--data goes before CIFAR100_DIR, which goes before ./data', async () => {
  const work = await temporaryFolder();
  process.chdir(work);
  await writeCifar100(join(work, 'data', CIFAR100_FOLDER), { test: new Uint8Array(0) });
  const where = async (options: LoadDatasetOptions = {}): Promise<unknown[]> => {
    const location = await locateDataset(options);
    return [location.dataset, location.source, location.dataset === 'synthetic' ? '' : location.path];
  };
  assert.deepEqual(await where(), ['cifar100', 'default folder', join('data', CIFAR100_FOLDER)]);
  process.env.CIFAR100_DIR = full;
  assert.deepEqual(await where(), ['cifar100', 'CIFAR100_DIR', join(full, CIFAR100_FOLDER)]);
  const given = await temporaryFolder();
  await writeCifar100(given, { test: new Uint8Array(0) });
  assert.deepEqual(await where({ dir: given }), ['cifar100', '--data', given]);
  assert.equal((await loadDataset({ splits: ['test'] })).test.count, 10_000);
});

test('without any data, auto is synthetic and says how to get CIFAR-100', async () => {
  const location = await locateDataset({ dataset: 'auto' });
  assert.deepEqual(location, { dataset: 'synthetic', source: 'no data found' });
  assert.match(describeLocation(location), /synthetic.*--data DIR, set CIFAR100_DIR or run npm run data/);
  assert.equal((await loadDataset({ splits: [] })).name, 'synthetic');
});

test('without any data, cifar100 is an error that says how to get it', async () => {
  await assert.rejects(loadDataset({ dataset: 'cifar100' }), (error: unknown) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /give --data DIR, set CIFAR100_DIR or run npm run data/);
    return true;
  });
});

test('a folder that was named but lacks the data is an error, never a fallback', async () => {
  await assert.rejects(loadDataset({ dir: empty }), /^UserError: --data: no dataset in/);
  await assert.rejects(loadDataset({ dir: join(empty, 'nowhere') }), /--data: .*nowhere does not exist/);
  process.env.CIFAR100_DIR = empty;
  await assert.rejects(loadDataset(), /CIFAR100_DIR: no CIFAR-100 in/);
});

test('a damaged default folder is an error, not a reason for synthetic data', async () => {
  const work = await temporaryFolder();
  process.chdir(work);
  await mkdir('data');
  await writeCifar100('data', {});
  await writeFile('data/train.bin', 'half');
  await assert.rejects(loadDataset(), /train\.bin is 4 bytes/);
});

test('synthetic can be asked for, but not with --data', async () => {
  process.env.CIFAR100_DIR = full;
  const dataset = await loadDataset({ dataset: 'synthetic', splits: [] });
  assert.equal(dataset.name, 'synthetic');
  await assert.rejects(loadDataset({ dataset: 'synthetic', dir: full }), UserError);
});

test('of synthetic no more training images are drawn than a run needs', async () => {
  const count = async (trainImages?: number) =>
    (await loadDataset({ dataset: 'synthetic', splits: ['train'], trainImages })).train;
  assert.deepEqual((await count(30)).images, makeSynthetic({ train: 30, splits: ['train'] }).train.images);
  // More than there are is refused where the run is planned.
  assert.equal((await count(10_001)).count, 10_000);
});

test('of the images that are picked come the same as of all, drawn, read or resized', async () => {
  const pick = (total: number): number[] => (total === 0 ? [] : [total - 1, 0, Math.floor(total / 2)]);
  const cases: LoadDatasetOptions[] = [
    { dataset: 'synthetic', splits: ['train'], trainImages: 300 },
    { dataset: 'cifar100', dir: full, splits: ['test'] },
    { dataset: 'cifar100', dir: full, splits: ['test'], imageSize: 16 },
  ];
  for (const options of cases) {
    const all = await loadDataset(options);
    const some = await loadDataset({ ...options, pick });
    for (const name of options.splits ?? (['train', 'test'] as const)) {
      const bytes = 3 * all.height * all.width;
      const places = pick(all[name].count);
      assert.equal(some[name].count, 3);
      assert.deepEqual(
        [...some[name].labels],
        places.map((at) => all[name].labels[at]),
      );
      for (const [i, at] of places.entries()) {
        const image = all[name].images.subarray(at * bytes, (at + 1) * bytes);
        assert.deepEqual(some[name].images.subarray(i * bytes, (i + 1) * bytes), image);
      }
    }
  }
});

test('and of those that are left where some are held out', async () => {
  const heldOut = { share: 0.9, seed: 3 };
  const { train } = await loadDataset({
    dataset: 'synthetic',
    splits: ['train'],
    heldOut,
    pick: (total) => (total === 0 ? [] : [total - 1]),
  });
  const drawn = drawHeldOut(
    Array.from({ length: 10_000 }, (_, i) => i % 100),
    heldOut,
  );
  const at = drawn.lastIndexOf(false);
  assert.ok(at < 9_999);
  const alone = makeSynthetic({ splits: ['train'], pick: () => [at] });
  assert.deepEqual(train.images, alone.train.images);
  assert.deepEqual([...train.labels], [at % 100]);
});

test('what a folder holds is told by its files', async () => {
  const cases: [string, string[], string | undefined][] = [
    ['test.bin', [], 'cifar100 binary'],
    ['cifar-100-binary/train.bin', [], 'cifar100 binary'],
    ['cifar-100-python/train', [], 'cifar100 python'],
    ['test', [], 'cifar100 python'],
    ['data_batch_3.bin', [], 'cifar10 binary'],
    ['cifar-10-batches-bin/test_batch.bin', [], 'cifar10 binary'],
    ['cifar-10-batches-py/data_batch_1', [], 'cifar10 python'],
    ['cifar-10-batches-py/test_batch', ['cifar-100-python/train'], 'cifar100 python'],
    ['cifar-10-batches-py/test_batch', ['cifar-10-batches-bin/test_batch.bin'], 'cifar10 binary'],
    ['train/cat/1.png', ['test/cat/2.png'], 'folder test'],
    ['train/cat/1.png', ['val/cat/2.png'], 'folder val'],
    ['train/cat/1.png', ['test/cat/2.png', 'val/cat/2.png'], 'folder test'],
    ['train/cat/1.png', [], undefined],
    ['test/cat/1.png', [], undefined],
    ['batches.meta', [], undefined],
  ];
  for (const [file, others, expected] of cases) {
    const dir = await temporaryFolder();
    for (const path of [file, ...others]) {
      await mkdir(join(dir, path, '..'), { recursive: true });
      await writeFile(join(dir, path), '');
    }
    const found = await findData(dir);
    const told =
      found && `${found.dataset} ${found.dataset === 'folder' ? found.layout.test : found.variant.layout}`;
    assert.equal(told, expected, [file, ...others].join(', '));
  }
});

test('a dataset may be asked for among several, and is never another', async () => {
  const dir = await temporaryFolder();
  for (const path of ['cifar-100-binary/test.bin', 'cifar-10-batches-bin/test_batch.bin']) {
    await mkdir(join(dir, path, '..'), { recursive: true });
    await writeFile(join(dir, path), '');
  }
  assert.equal((await locateDataset({ dir })).dataset, 'cifar100');
  assert.equal((await locateDataset({ dir, dataset: 'cifar10' })).dataset, 'cifar10');
  await rejectsPlainly(
    locateDataset({ dir, dataset: 'folder' }),
    /has the binary version of CIFAR-100, not image folder/,
  );
});

test('an unknown folder: the error lists what was looked for', async () => {
  await rejectsPlainly(
    loadDataset({ dir: empty }),
    /cifar-100-binary\/ .*\(train\.bin, test\.bin\); cifar-100-python\/ .*; cifar-10-batches-bin\/ .*data_batch_1\.bin, .*; cifar-10-batches-py\/ .*; train\/<class>\/ with test\/<class>\/ or val\/<class>\/.*npm run data fetches/,
  );
  await rejectsPlainly(
    loadDataset({ dir: empty, dataset: 'cifar10' }),
    /no CIFAR-10 in .*: looked for cifar-10-batches-bin\/ or its files/,
  );
});

test('each dataset has its own places', async () => {
  process.env.CIFAR100_DIR = full;
  const ten = await temporaryFolder();
  await writeFile(join(ten, 'test_batch.bin'), '');
  await rejectsPlainly(
    loadDataset({ dataset: 'cifar10' }),
    /CIFAR-10 is not in \.\/data; .*CIFAR10_DIR or run/,
  );
  process.env.CIFAR10_DIR = ten;
  const location = await locateDataset({ dataset: 'cifar10' });
  assert.equal(location.source, 'CIFAR10_DIR');
  assert.equal((await locateDataset()).dataset, 'cifar100');
  await rejectsPlainly(
    loadDataset({ dataset: 'folder' }),
    /no image folder in \.\/data; give --data DIR, a folder/,
  );
});

test('images of 32 pixels can be had in another size, as the server would resize them', async () => {
  const options = { dataset: 'synthetic', splits: ['test'] } as const;
  const given = await loadDataset(options);
  const large = await loadDataset({ ...options, imageSize: 48 });
  assert.deepEqual([large.height, large.width, large.test.count], [48, 48, given.test.count]);
  assert.deepEqual(large.test.labels, given.test.labels);
  const [from, to] = [3 * 32 * 32, 3 * 48 * 48];
  const interleaved = (planar: Uint8Array) => {
    const plane = planar.length / 3;
    return Uint8Array.from({ length: planar.length }, (_, i) => planar[(i % 3) * plane + Math.floor(i / 3)]!);
  };
  const last = given.test.count - 1;
  const image = {
    data: interleaved(given.test.images.subarray(last * from)),
    width: 32,
    height: 32,
    channels: 3,
  };
  const expected = resizeBilinear(image as PixelImage, 48, 48).data;
  assert.deepEqual(interleaved(large.test.images.subarray(last * to)), Uint8Array.from(expected));
  await rejectsPlainly(
    loadDataset({ ...options, imageSize: 200_000 }),
    /^the images of synthetic take \d+\.\d GB at 200000 x 200000 pixels, more than a quarter of the memory/,
  );
});
