import assert from 'node:assert/strict';
import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { UserError } from '../../core/errors.ts';
import { scanFolder } from '../../serve/models/scan-folder.ts';
import { parseModelOption } from '../../serve/models/selection.ts';
import { type RunningServer, startServer } from '../../serve/server.ts';
import { writeVariant } from './support/copy-model.ts';
import { noisePng } from './support/images.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

const SMALL = { port: 0, inference: { workers: 1, threads: 1 }, demoDirectory: false } as const;
let base: string;
let folder: string;
let png: Uint8Array<ArrayBuffer>;
let server: RunningServer;

before(async () => {
  ({ path: base } = await writeTestModel(await temporaryFolder()));
  folder = await temporaryFolder();
  png = await noisePng(1);
  for (const version of [1, 2, 10]) {
    await mkdir(join(folder, 'b', String(version)), { recursive: true });
    await writeVariant(base, join(folder, 'b', String(version), 'model.onnx'), version, `b${version}`);
  }
  await writeVariant(base, join(folder, 'a.onnx'), 20, 'a');
  await writeVariant(base, join(folder, 'a@3.onnx'), 21, 'a3');
  await writeFile(join(folder, 'README.md'), 'x');
  await mkdir(join(folder, 'b', 'notes'));
  server = await startServer({ folder, port: 0, inference: { threads: 1 }, demoDirectory: false });
});

after(() => server.close());

interface Answer {
  model: string;
  version: number;
  predictions: { label: string }[];
}

/** What answers: the first word of the best label, and the model's name and version. */
async function ask(model?: string): Promise<string> {
  const query = model === undefined ? '' : `?model=${model}`;
  const response = await fetch(`${server.url}/predict${query}`, {
    method: 'POST',
    body: png,
    headers: { 'content-type': 'image/png' },
  });
  const answer = (await response.json()) as Answer & { error: string };
  if (!response.ok) return `${response.status} ${answer.error}`;
  return `${answer.model}@${answer.version} ${answer.predictions[0]!.label.split(' ')[0]}`;
}

test('models and versions are found by name, number and alias', async () => {
  assert.equal(await ask(), 'a@3 a3');
  assert.equal(await ask('a'), 'a@3 a3');
  assert.equal(await ask('a@1'), 'a@1 a');
  assert.equal(await ask('b'), 'b@10 b10');
  assert.equal(await ask('b@latest'), 'b@10 b10');
  assert.equal(await ask('b@2'), 'b@2 b2');
  assert.match(await ask('b@3'), /^404 there is no model "b@3" here/);
  assert.match(await ask('c'), /^404/);
  assert.match(await ask('b@2@1'), /^404/);
  assert.match(await ask(''), /^400/);
});

test('the list names every version, the default first', async () => {
  const list = (await (await fetch(`${server.url}/models`)).json()) as {
    default: string;
    models: { name: string; version: number; ready: boolean }[];
  };
  assert.equal(list.default, 'a');
  assert.deepEqual(
    list.models.map(({ name, version, ready }) => [name, version, ready]),
    [
      ['a', 1, true],
      ['a', 3, true],
      ['b', 1, true],
      ['b', 2, true],
      ['b', 10, true],
    ],
  );
});

test('the newest versions only, if asked', async () => {
  const newest = await startServer({ folder, versions: 2, ...SMALL });
  after(() => newest.close());
  const served = () => newest.registry.all().map(({ name, version }) => `${name}@${version}`);
  assert.deepEqual(served(), ['a@1', 'a@3', 'b@2', 'b@10']);
  assert.equal((await scanFolder(folder)).length, 5);
  // One that cannot be used takes no place from those that can.
  await mkdir(join(folder, 'b', '11'));
  await writeFile(join(folder, 'b', '11', 'model.onnx'), 'half a mod');
  for (let i = 0; i < 2; i++) await newest.registry.reload();
  assert.deepEqual(served(), ['a@1', 'a@3', 'b@2', 'b@10']);
  await writeVariant(base, join(folder, 'b', '11', 'model.onnx'), 33, 'b11');
  for (let i = 0; i < 2; i++) await newest.registry.reload();
  assert.deepEqual(served(), ['a@1', 'a@3', 'b@10', 'b@11']);
  await rm(join(folder, 'b', '11'), { recursive: true });
});

/** Looks at the files twice, as a file must have settled. */
async function reload(): Promise<void> {
  await server.registry.reload();
  await server.registry.reload();
}

test('a reload swaps, adds and removes models, and no request is lost', async () => {
  const path = join(folder, 'b', '10', 'model.onnx');
  const answers = new Map<string, number>();
  let asking = true;
  const clients = Array.from({ length: 4 }, async () => {
    while (asking) {
      // A core is left for what is loaded.
      await setTimeout(10);
      const answer = await ask('b');
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  });
  try {
    for (const seed of [30, 31]) {
      await writeVariant(base, path, seed, `new${seed}`);
      await reload();
      assert.equal(await ask('b'), `b@10 new${seed}`);
    }
    await mkdir(join(folder, 'b', '11'));
    await writeVariant(base, join(folder, 'b', '11', 'model.onnx'), 32, 'b11');
    await reload();
    assert.equal(await ask('b'), 'b@11 b11');
    await rm(join(folder, 'b', '11'), { recursive: true });
    await reload();
    assert.equal(await ask('b'), 'b@10 new31');
  } finally {
    asking = false;
    await Promise.all(clients);
  }
  assert.deepEqual(
    [...answers.keys()].filter((answer) => !/^b@1[01] (b10|new30|new31|b11)$/.test(answer)),
    [],
  );
  assert.ok(answers.size >= 2, 'requests were under way during the swaps');
});

test('a file that cannot be loaded leaves the old model running', async () => {
  const path = join(folder, 'a@3.onnx');
  await writeFile(path, 'half a mod');
  await reload();
  assert.equal(await ask('a'), 'a@3 a3');
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(metrics, /model_reloads_total\{result="failed"\} 1\n/);
  await writeVariant(base, path, 21, 'mended');
  await reload();
  assert.equal(await ask('a'), 'a@3 mended');
});

test('a file that is renamed to another layout keeps its place', async () => {
  await mkdir(join(folder, 'a', '1'), { recursive: true });
  await rename(join(folder, 'a.onnx'), join(folder, 'a', '1', 'model.onnx'));
  await reload();
  assert.equal(await ask('a@1'), 'a@1 a');
});

test('models named on the command line', async () => {
  const other = join(await temporaryFolder(), 'other.onnx');
  await copyFile(base, other);
  const named = await startServer({
    models: [`x=${base}`, `x@7=${other}`, base],
    port: 0,
    inference: { threads: 1 },
    demoDirectory: false,
  });
  try {
    const list = (await (await fetch(`${named.url}/models`)).json()) as {
      models: { name: string; version: number }[];
    };
    assert.deepEqual(
      list.models.map(({ name, version }) => `${name}@${version}`),
      ['x@1', 'x@7', 'resnet20@1'],
    );
  } finally {
    await named.close();
  }
  const fails = (options: object, message: RegExp): Promise<void> =>
    assert.rejects(startServer({ port: 0, ...options }), (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, message);
      return true;
    });
  await fails({ models: [base, other] }, /are both version 1 of "resnet20"; name one/);
  await fails({ folder: join(folder, 'none') }, /the folder .*none cannot be read/);
  await fails({ folder: await temporaryFolder() }, /holds no models; put NAME.onnx/);
  assert.throws(() => parseModelOption('a@b=c.onnx'), UserError);
  assert.deepEqual(parseModelOption('./x=y/m.onnx'), { version: 1, file: './x=y/m.onnx' });
});
