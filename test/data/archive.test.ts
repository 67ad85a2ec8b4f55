import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readArchive } from '../../core/data/archive/read-archive.ts';
import { readCifar } from '../../core/data/cifar/read.ts';
import { CIFAR100_BINARY } from '../../core/data/cifar100.ts';
import { findData } from '../../core/data/find.ts';
import { loadDataset } from '../../core/data/load.ts';
import { splitBytes, writeCifar100 } from './cifar100-files.ts';
import { FIXTURES, SMALL_CIFAR10_PYTHON, SMALL_CIFAR100_PYTHON } from './small-cifar.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { rejectsPlainly } from './user-error.ts';

const work = await temporaryFolder();

/** Packs with the system's tar. */
function pack(name: string, cwd: string, ...args: string[]): string {
  const archive = join(work, name);
  execFileSync('tar', ['-cf', archive, ...args], { cwd });
  return archive;
}

/** A header of the ustar form with a body; `type` '0' is a file. */
function entry(name: string, body: Uint8Array, type = '0', size = body.length): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write(`0000644\0`, 100);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write(' '.repeat(8), 148);
  header.write(type, 156);
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

async function list(archive: string): Promise<[string, string][]> {
  const entries: [string, string][] = [];
  for await (const { path, read } of readArchive(archive)) {
    entries.push([path, Buffer.from(await read()).toString('latin1')]);
  }
  return entries;
}

async function write(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(work, name);
  await writeFile(path, bytes);
  return path;
}

test('the Python versions are read out of their archives as out of their folders', async () => {
  for (const [variant, args] of [
    [SMALL_CIFAR10_PYTHON, ['-z', 'cifar-10-batches-py']],
    [SMALL_CIFAR100_PYTHON, ['-z', '--format=pax', './cifar-100-python']],
    [SMALL_CIFAR100_PYTHON, ['cifar-100-python']],
  ] as const) {
    const archive = pack(`${variant.dataset}.tar.gz`, FIXTURES, ...args);
    const found = await findData(archive);
    assert.ok(found && found.dataset !== 'folder');
    assert.deepEqual([found.variant.folder, found.path, found.archive], [variant.folder, archive, true]);
    assert.deepEqual(
      await readCifar(archive, true, variant),
      await readCifar(join(FIXTURES, variant.folder), false, variant),
    );
  }
});

test('a binary archive of the official size is read through loadDataset', async () => {
  await writeCifar100(join(work, CIFAR100_BINARY.folder), { test: splitBytes('test') });
  const archive = pack('cifar-100-binary.tar.gz', work, '-z', CIFAR100_BINARY.folder);
  const dataset = await loadDataset({ dir: archive, splits: ['test'] });
  assert.deepEqual([dataset.name, dataset.test.count, dataset.labels[99]], ['cifar100', 10_000, 'fine99']);
  assert.equal(dataset.test.images[700 * 3072 + 1], 700 % 251);
  await rejectsPlainly(
    loadDataset({ dir: archive }),
    /^--data: .*cifar-100-binary\.tar\.gz has no train\.bin; fetch/,
  );
  await rejectsPlainly(
    loadDataset({ dir: archive, dataset: 'cifar10' }),
    /^--data: .* has the binary version of CIFAR-100, not CIFAR-10; leave out --dataset/,
  );
});

test('long names, folders, links and foreign files are no trouble', async () => {
  const folder = join(work, 'odd');
  const long = `${'d'.repeat(60)}/${'e'.repeat(60)}`;
  await mkdir(join(folder, long), { recursive: true });
  await writeFile(join(folder, long, 'f'.repeat(60)), 'deep');
  await writeFile(join(folder, 'empty'), '');
  execFileSync('ln', ['-s', 'empty', 'link'], { cwd: folder });
  const expected = [
    [`odd/${long}/${'f'.repeat(60)}`, 'deep'],
    ['odd/empty', ''],
  ].sort();
  for (const format of ['gnu', 'pax', 'ustar']) {
    const archive = pack(`${format}.tar`, work, `--format=${format}`, 'odd');
    assert.deepEqual((await list(archive)).sort(), expected, format);
  }
});

test('an archive of something else says what was looked for', async () => {
  const archive = await write('other.tar.gz', gzipSync(entry('../../etc/data_batch_1', Buffer.from('x'))));
  await rejectsPlainly(
    loadDataset({ dir: archive }),
    /^--data: no dataset in .*other\.tar\.gz: looked for cifar-100-binary\/ .*an archive of image files must be a \.zip/,
  );
  await rejectsPlainly(
    loadDataset({ dir: archive, dataset: 'folder' }),
    /other\.tar\.gz is a file, not a folder of images; give a folder, or a \.zip/,
  );
});

test('names that lead elsewhere are not taken for files of the dataset', async () => {
  const archive = await write(
    'traversal.tar',
    Buffer.concat([
      entry('cifar-100-python/../meta', Buffer.from('a')),
      entry('/cifar-100-python/train', Buffer.from('b')),
      entry('other/cifar-100-python/test', Buffer.from('c')),
    ]),
  );
  assert.equal(await findData(archive), undefined);
});

test('a file larger than it may be is refused before it is unpacked', async () => {
  const archive = await write('large.tar', entry('cifar-100-python/meta', Buffer.alloc(512), '0', 8 ** 10));
  await rejectsPlainly(
    readCifar(archive, true, SMALL_CIFAR100_PYTHON, []),
    /large\.tar \(cifar-100-python\/meta\) has 1073741824 bytes, more than the \d+ it may have/,
  );
});

test('an archive that is cut off or damaged is refused', async () => {
  const archive = pack('good.tar.gz', FIXTURES, '-z', 'cifar-100-python');
  const bytes = await readFile(archive);
  const refuses = async (part: Uint8Array, message: RegExp): Promise<void> => {
    const path = await write('damaged.tar.gz', part);
    await rejectsPlainly(list(path), message);
  };
  await refuses(
    bytes.subarray(0, bytes.length / 2),
    /damaged\.tar\.gz is damaged or no \.tar\.gz archive \(it ends early\)/,
  );
  await refuses(Buffer.from('a short text'), /is damaged or no .* archive \(it ends early\); fetch it again/);
  await refuses(Buffer.alloc(2048, 'text'), /no valid tar header/);
  await refuses(gzipSync(Buffer.alloc(2048, 'text')), /no valid tar header/);
  const flipped = Buffer.from(bytes);
  flipped.fill(0xaa, 200, 260);
  await refuses(flipped, /is damaged or no \.tar\.gz archive/);
  const tar = entry('a', Buffer.alloc(1024));
  await refuses(tar.subarray(0, 1000), /it ends early/);
  await refuses(entry('a', Buffer.alloc(0), 'L', 1 << 20), /a name or attributes of 1048576 bytes/);
  await refuses(entry('a', Buffer.from('99 path=x\n'), 'x'), /malformed attributes/);
  await refuses(entry('a', Buffer.from('11 size=-1\n'), 'x'), /malformed attributes/);
  await rejectsPlainly(list(join(work, 'nowhere.tar.gz')), /cannot read .*nowhere/);
});

test('an archive that unpacks to more than it may is given up', async () => {
  const body = gzipSync(Buffer.alloc(5_000_000));
  const path = await write(
    'bomb.tar.gz',
    Buffer.concat([gzipSync(entry('a', Buffer.alloc(0), '0', 1e8)), ...Array(20).fill(body)]),
  );
  const readAll = async (): Promise<void> => {
    for await (const { path: name } of readArchive(path, 40_000_000)) assert.equal(name, 'a');
  };
  await rejectsPlainly(readAll(), /bomb\.tar\.gz .*it unpacks to more than 40000000 bytes/);
});

test('archives of other kinds are refused as what they are, whatever their name', async () => {
  for (const [begins, kind] of [
    [Buffer.from('PK\x03\x04'), 'a .zip'],
    [Buffer.from('377abcaf271c', 'hex'), 'a .7z'],
    [Buffer.from('Rar!\x1a\x07\x01\x00'), 'a .rar'],
    [Buffer.from('BZh91AY&SY'), 'a .bz2'],
    [Buffer.from('fd377a585a00', 'hex'), 'an .xz'],
    [Buffer.from('28b52ffd', 'hex'), 'a .zst'],
  ] as const) {
    const path = await write('other.tar.gz', Buffer.concat([begins, Buffer.alloc(600)]));
    await rejectsPlainly(
      list(path),
      new RegExp(`other\\.tar\\.gz is ${kind.replace('.', '\\.')} archive, no \\.tar\\.gz; unpack it`),
    );
  }
});
