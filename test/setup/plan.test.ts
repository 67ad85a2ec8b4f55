import assert from 'node:assert/strict';
import { mkdir, readFile, readlink, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { bindingPath } from '../../core/tensorflow/binding.ts';
import { installLibrary } from '../../setup/tensorflow/library.ts';
import { type Places, projectPlaces } from '../../setup/tensorflow/release.ts';
import { linkPackage, planSetup } from '../../setup/tensorflow/setup.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { fakePlaces } from './fake-places.ts';
import { wheelFiles, writeTree, writeWheel } from './fake-wheel.ts';

const NOTHING = { library: false, binding: false, link: false };
const ONLY_LINK = { ...NOTHING, link: true };
const ALL = { library: true, binding: true, link: true };

/** A set-up as a whole run leaves it, but with files that hold words. */
async function fakeSetup(): Promise<{ places: Places; wheel: string }> {
  const places = await fakePlaces();
  const wheel = await writeWheel(join(await temporaryFolder(), 'tensorflow.whl'), wheelFiles());
  await installLibrary(places, { from: wheel }, () => {});
  await writeBinding(places, 'binding 1');
  await linkPackage(places);
  return { places, wheel };
}

async function writeBinding(places: Places, text: string): Promise<void> {
  await mkdir(dirname(places.binding), { recursive: true });
  await writeFile(places.binding, text);
}

test('what is set up is left alone, unless forced or another source is asked for', async () => {
  const { places, wheel } = await fakeSetup();
  assert.deepEqual(await planSetup(places, {}), NOTHING);
  assert.deepEqual(await planSetup(places, { source: { variant: 'cpu' } }), NOTHING);
  assert.deepEqual(await planSetup(places, { source: { from: wheel } }), NOTHING);
  assert.deepEqual(await planSetup(places, { source: { variant: 'gpu' } }), { ...ONLY_LINK, library: true });
  assert.deepEqual(await planSetup(places, { source: { from: '/other.whl' } }), {
    ...ONLY_LINK,
    library: true,
  });
  assert.deepEqual(await planSetup(places, { force: true }), ALL);
  assert.deepEqual(await planSetup(await fakePlaces(), {}), ALL);
});

test('a fresh node_modules only needs linking, which reaches library and binding', async () => {
  const { places } = await fakeSetup();
  await rm(places.tfjs, { recursive: true });
  await writeTree(places.tfjs, { 'package.json': '{"version":"4.22.0"}' });
  assert.deepEqual(await planSetup(places, {}), ONLY_LINK);
  await linkPackage(places);
  assert.equal(await readFile(join(places.tfjs, 'deps/lib/libtensorflow.so'), 'utf8'), 'the main library');
  assert.equal(await readFile(bindingPath(places.tfjs), 'utf8'), 'binding 1');
  assert.deepEqual(await planSetup(places, {}), NOTHING);
});

test("another installer's folder gives way to the link", async () => {
  const { places } = await fakeSetup();
  await rm(join(places.tfjs, 'deps'));
  await writeTree(places.tfjs, { 'deps/lib/libtensorflow.so': 'another' });
  assert.deepEqual(await planSetup(places, {}), ONLY_LINK);
  await linkPackage(places);
  assert.equal(await readFile(join(places.tfjs, 'deps/lib/libtensorflow.so'), 'utf8'), 'the main library');
});

test('the link survives moving the project', async () => {
  const { places } = await fakeSetup();
  const root = dirname(places.cache);
  assert.ok(!(await readlink(join(places.tfjs, 'deps'))).startsWith('/'));
  await rename(root, `${root}-moved`);
  try {
    const moved = projectPlaces(
      places.cache.replace(root, `${root}-moved`),
      places.tfjs.replace(root, `${root}-moved`),
    );
    assert.deepEqual(await planSetup(moved, {}), NOTHING);
    assert.ok((await stat(join(moved.tfjs, 'deps/lib/libtensorflow.so'))).isFile());
  } finally {
    await rename(`${root}-moved`, root);
  }
});

test('a new binding, an upgraded package and lost libraries are noticed', async () => {
  const { places } = await fakeSetup();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await writeBinding(places, 'binding 2');
  assert.deepEqual(await planSetup(places, {}), ONLY_LINK);
  await writeTree(places.tfjs, { 'package.json': '{"version":"4.23.0"}' });
  assert.deepEqual(await planSetup(projectPlaces(places.cache, places.tfjs), {}), { ...ALL, library: false });
  await rm(join(places.library, 'lib/libtensorflow_framework.so.2'));
  assert.deepEqual(await planSetup(places, {}), { library: true, binding: false, link: true });
});
