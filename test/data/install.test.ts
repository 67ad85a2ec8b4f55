import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Checksum } from '../../core/data/checksum.ts';
import { CIFAR100_BINARY } from '../../core/data/cifar100.ts';
import { type InstallOptions, installDataset } from '../../core/data/install.ts';
import { UserError } from '../../core/errors.ts';
import { writeCifar100 } from './cifar100-files.ts';
import { startRangeServer } from './range-server.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { rejectsPlainly } from './user-error.ts';

const CIFAR100_FOLDER = CIFAR100_BINARY.folder;
const root = await temporaryFolder();
await writeCifar100(join(root, CIFAR100_FOLDER), {
  train: Buffer.alloc(153_700_000),
  test: Buffer.alloc(30_740_000),
});
execFileSync('tar', ['-czf', 'good.tar.gz', CIFAR100_FOLDER], { cwd: root });
const archive = await readFile(join(root, 'good.tar.gz'));
const server = await startRangeServer(archive);

function md5(bytes: Uint8Array): Checksum {
  return { algorithm: 'md5', hex: createHash('md5').update(bytes).digest('hex') };
}

const install = (dir: string, options: Partial<InstallOptions> = {}): ReturnType<typeof installDataset> =>
  installDataset({ dir, url: server.url, checksum: md5(archive), retries: 0, ...options });

test('downloads, unpacks, cleans up, and does nothing the second time', async () => {
  const dir = join(await temporaryFolder(), 'data');
  const folder = join(dir, CIFAR100_FOLDER);
  assert.deepEqual(await install(dir), { folder, existed: false });
  assert.deepEqual(await readdir(dir), [CIFAR100_FOLDER]);
  assert.equal((await readdir(folder)).length, 4);
  const requests = server.ranges.length;
  assert.deepEqual(await install(dir), { folder, existed: true });
  assert.equal(server.ranges.length, requests);
});

test('an archive put there by hand is used and kept, and replaces incomplete data', async () => {
  const dir = await temporaryFolder();
  await writeFile(join(dir, 'archive.tar.gz'), archive);
  await mkdir(join(dir, CIFAR100_FOLDER));
  await writeFile(join(dir, CIFAR100_FOLDER, 'train.bin'), 'half');
  assert.equal((await install(dir, { url: 'http://127.0.0.1:9/archive.tar.gz' })).existed, false);
  assert.deepEqual((await readdir(dir)).sort(), ['archive.tar.gz', CIFAR100_FOLDER]);
});

test('an archive put there by hand must have the checksum', async () => {
  const dir = await temporaryFolder();
  await writeFile(join(dir, 'archive.tar.gz'), 'something else');
  await assert.rejects(install(dir), /is not the expected archive: its md5 is .* remove it and run again/);
});

test('what does not unpack to CIFAR-100 leaves no folder behind', async () => {
  const junk = Buffer.from('not an archive');
  const dir = await temporaryFolder();
  server.body = junk;
  await assert.rejects(install(dir, { checksum: md5(junk) }), /^UserError: cannot unpack/);
  execFileSync('tar', ['-czf', 'names.tar.gz', join(CIFAR100_FOLDER, 'fine_label_names.txt')], { cwd: root });
  const partial = await readFile(join(root, 'names.tar.gz'));
  server.body = partial;
  const other = await temporaryFolder();
  await assert.rejects(install(other, { checksum: md5(partial) }), /train\.bin is missing/);
  server.body = archive;
  for (const folder of [dir, other]) assert.deepEqual(await readdir(folder), ['archive.tar.gz']);
});

test('without tar it says so, and keeps the verified archive', async () => {
  const dir = await temporaryFolder();
  await assert.rejects(install(dir, { tar: 'no-such-tar' }), (error: unknown) => {
    assert.ok(error instanceof UserError);
    assert.match(error.message, /no-such-tar is not installed/);
    return true;
  });
  assert.deepEqual(await readdir(dir), ['archive.tar.gz']);
});

test('an address that is not http is refused', async () => {
  await assert.rejects(
    install(root, { dir: join(root, 'x'), url: 'ftp://host/a.tar.gz' }),
    /--url takes an http/,
  );
});

test('CIFAR-10 goes into its own folder beside it', async () => {
  const dir = await temporaryFolder();
  const packed = await temporaryFolder();
  const source = join(packed, 'cifar-10-batches-bin');
  await mkdir(source);
  const names = 'airplane automobile bird cat deer dog frog horse ship truck'.split(' ');
  await writeFile(join(source, 'batches.meta.txt'), names.join('\n'));
  for (const file of [
    'data_batch_1',
    'data_batch_2',
    'data_batch_3',
    'data_batch_4',
    'data_batch_5',
    'test_batch',
  ]) {
    await writeFile(join(source, `${file}.bin`), '');
    // A hole of zeros, which costs no disk.
    await truncate(join(source, `${file}.bin`), 30_730_000);
  }
  execFileSync('tar', ['-czf', 'ten.tar.gz', 'cifar-10-batches-bin'], { cwd: packed });
  const ten = await readFile(join(packed, 'ten.tar.gz'));
  server.body = ten;
  const result = await install(dir, { dataset: 'cifar10', checksum: md5(ten) });
  server.body = archive;
  assert.deepEqual(result, { folder: join(dir, 'cifar-10-batches-bin'), existed: false });
  assert.deepEqual(await readdir(dir), ['cifar-10-batches-bin']);
  assert.equal((await install(dir, { dataset: 'cifar10' })).existed, true);
});

test('a folder that cannot be made is one clear line, even under /proc', { timeout: 20_000 }, async () => {
  const file = join(await temporaryFolder(), 'file');
  await writeFile(file, '');
  const places = [join(file, 'below'), ...(existsSync('/proc/self') ? ['/proc/x/y'] : [])];
  for (const dir of places) {
    await rejectsPlainly(install(dir), /^cannot make the folder .*; give another with --dir$/);
  }
});
