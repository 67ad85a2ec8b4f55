import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Checksum } from '../../core/data/checksum.ts';
import { CIFAR100_FOLDER } from '../../core/data/cifar100.ts';
import { type InstallOptions, installCifar100 } from '../../core/data/install.ts';
import { UserError } from '../../core/errors.ts';
import { writeCifar100 } from './cifar100-files.ts';
import { startRangeServer } from './range-server.ts';
import { temporaryFolder } from './temporary-folder.ts';

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

const install = (dir: string, options: Partial<InstallOptions> = {}): ReturnType<typeof installCifar100> =>
  installCifar100({ dir, url: server.url, checksum: md5(archive), retries: 0, ...options });

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
