import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { CIFAR100_FOLDER } from '../../core/data/cifar100.ts';
import { describeLocation, loadDataset, locateDataset } from '../../core/data/load.ts';
import { UserError } from '../../core/errors.ts';
import { splitBytes, writeCifar100 } from './cifar100-files.ts';
import { temporaryFolder } from './temporary-folder.ts';

const full = await temporaryFolder();
await writeCifar100(join(full, CIFAR100_FOLDER), { test: splitBytes('test') });
const empty = await temporaryFolder();

const before = { cwd: process.cwd(), dir: process.env.CIFAR100_DIR };
beforeEach(() => {
  process.chdir(empty);
  delete process.env.CIFAR100_DIR;
});
afterEach(() => {
  process.chdir(before.cwd);
  if (before.dir === undefined) delete process.env.CIFAR100_DIR;
  else process.env.CIFAR100_DIR = before.dir;
});

test('--data goes before CIFAR100_DIR, which goes before ./data', async () => {
  const work = await temporaryFolder();
  process.chdir(work);
  await writeCifar100(join(work, 'data', CIFAR100_FOLDER), { test: new Uint8Array(0) });
  assert.deepEqual(await locateDataset(), {
    dataset: 'cifar100',
    dir: join('data', CIFAR100_FOLDER),
    source: 'default folder',
  });
  process.env.CIFAR100_DIR = full;
  assert.deepEqual(await locateDataset(), { dataset: 'cifar100', dir: full, source: 'CIFAR100_DIR' });
  assert.deepEqual(await locateDataset({ dir: empty }), {
    dataset: 'cifar100',
    dir: empty,
    source: '--data',
  });
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
  await assert.rejects(loadDataset({ dir: empty }), /^UserError: --data: no CIFAR-100 in/);
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
