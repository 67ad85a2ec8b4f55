import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readInstalled } from '../../setup/installed.ts';
import { installLibrary } from '../../setup/tensorflow/library.ts';
import { type Places, RELEASES } from '../../setup/tensorflow/release.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { rejectsPlainly } from '../data/user-error.ts';
import { fakePlaces } from './fake-places.ts';
import { type Files, wheelBytes, wheelFiles, writeTree, writeWheel } from './fake-wheel.ts';

const MAIN = 'tensorflow/libtensorflow_cc.so.2';

async function install(from: string, places?: Places) {
  const where = places ?? (await fakePlaces());
  const installed = await installLibrary(where, { from }, () => {});
  return { installed, places: where };
}

async function wheel(files: Files): Promise<string> {
  return writeWheel(join(await temporaryFolder(), 'tensorflow.whl'), files);
}

/** The install must fail so, and leave the cache as it was. */
async function refuses(from: string, message: RegExp): Promise<void> {
  const places = await fakePlaces();
  await rejectsPlainly(install(from, places), message);
  assert.deepEqual(await readdir(places.cache), []);
}

async function checkLibrary(places: Places, main: string): Promise<void> {
  assert.deepEqual(
    (await readdir(places.library, { recursive: true })).filter((name) => /\.\w+$/.test(name)).sort(),
    [
      'include/tensorflow/c/c_api.h',
      'include/tsl/c/tsl_status.h',
      'installed.json',
      'lib/libtensorflow.so',
      'lib/libtensorflow.so.2',
      'lib/libtensorflow_cc.so.2',
      'lib/libtensorflow_framework.so',
      'lib/libtensorflow_framework.so.2',
    ],
  );
  for (const name of ['libtensorflow.so', 'libtensorflow.so.2', 'libtensorflow_cc.so.2']) {
    assert.equal(await readFile(join(places.library, 'lib', name), 'utf8'), main);
  }
  assert.deepEqual(await readdir(places.cache), ['library']);
}

test('a wheel is unpacked to what is needed, with the names that the linker looks for', async () => {
  const path = await wheel(wheelFiles());
  const { installed, places } = await install(path);
  await checkLibrary(places, 'the main library');
  assert.equal(installed.variant, 'cpu');
  assert.deepEqual(await readInstalled(places.library), installed);
});

test('the build for GPUs is told by its distribution', async () => {
  const { installed } = await install(await wheel(wheelFiles({ name: 'tensorflow' })));
  assert.equal(installed.variant, 'gpu');
});

test('a tampered library or header in a wheel is refused', async () => {
  for (const path of [MAIN, 'tensorflow/include/tensorflow/c/c_api.h']) {
    await refuses(
      await wheel(wheelFiles({ changes: { [path]: 'the main librarz' } })),
      new RegExp(`^${path} in .* is damaged or changed: its SHA-256 is not the one in RECORD`),
    );
  }
});

test('a library that replaces a whole one is refused and the whole one stays', async () => {
  const { places } = await install(await wheel(wheelFiles()));
  await rejectsPlainly(
    install(await wheel(wheelFiles({ changes: { [MAIN]: 'another' } })), places),
    /damaged/,
  );
  await checkLibrary(places, 'the main library');
});

test('another version or package is refused by its name', async () => {
  const needed = /needed is tensorflow-cpu or tensorflow 2\.15\.1$/;
  await refuses(await wheel(wheelFiles({ version: '2.16.2' })), /is tensorflow_cpu 2\.16\.2; needed is/);
  await refuses(await wheel(wheelFiles({ name: 'numpy' })), needed);
});

test('a truncated wheel, a file that is none, and a wrong one under the official name are refused', async () => {
  const bytes = wheelBytes(wheelFiles());
  const folder = await temporaryFolder();
  const path = join(folder, 'cut.whl');
  await writeFile(path, bytes.subarray(0, bytes.length - 40));
  await refuses(path, /cut\.whl is no wheel or a truncated one .*; get it again$/);
  await writeFile(path, 'no zip at all');
  await refuses(path, /cut\.whl is no wheel or a truncated one/);
  await writeFile(path, wheelBytes({ 'readme.txt': 'a zip, but no wheel' }));
  await refuses(path, /is no Python wheel/);
  await refuses(join(folder, 'none.whl'), /^there is no .*none\.whl; give a wheel or a folder with --from$/);
  await writeFile(join(folder, RELEASES.cpu.wheel), bytes);
  await refuses(join(folder, RELEASES.cpu.wheel), /is truncated or not the expected wheel: its SHA-256 is/);
});

test('a site-packages folder is checked by its RECORD too', async () => {
  const folder = await writeTree(await temporaryFolder(), {
    ...wheelFiles(),
    'numpy-1.26.4.dist-info/RECORD': '',
  });
  const { installed, places } = await install(folder);
  await checkLibrary(places, 'the main library');
  assert.deepEqual([installed.variant, installed.version], ['cpu', '2.15.1']);
  await writeFile(join(folder, MAIN), 'the main librarz');
  await refuses(folder, /libtensorflow_cc\.so\.2 in .* is damaged or changed/);
});

test('an unpacked libtensorflow is taken, by its folder or its lib folder', async () => {
  const folder = await writeTree(await temporaryFolder(), {
    'lib/libtensorflow.so.2': 'my library',
    'lib/libtensorflow_framework.so.2': 'the framework library',
    'include/tensorflow/c/c_api.h': '//',
    'include/tsl/c/tsl_status.h': '//',
  });
  for (const from of [folder, join(folder, 'lib')]) {
    const { installed, places } = await install(from);
    await checkLibrary(places, 'my library');
    assert.equal(installed.variant, 'custom');
  }
  await rename(join(folder, 'include'), join(folder, 'elsewhere'));
  await refuses(folder, /has TensorFlow's libraries but not its headers/);
});

test('a folder without the libraries is refused', async () => {
  await refuses(
    await temporaryFolder(),
    /holds no libtensorflow_cc\.so\.2 or libtensorflow\.so\.2; give a wheel/,
  );
});

test('a library that has lost bytes does not count as installed', async () => {
  const { places } = await install(await wheel(wheelFiles()));
  await truncate(join(places.library, 'lib/libtensorflow_cc.so.2'), 3);
  assert.equal(await readInstalled(places.library), undefined);
  assert.ok(existsSync(places.library));
});
