import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { DEFAULT_LIMITS } from '../../serve/http/limits.ts';
import { safeName } from '../../serve/models/reference.ts';
import { ModelRegistry } from '../../serve/models/registry.ts';
import { scanFolder } from '../../serve/models/scan-folder.ts';
import { selectModels } from '../../serve/models/selection.ts';
import { type RunningServer, startServer, startupText } from '../../serve/server.ts';
import { HALVES, tinyNet, tinyWeight } from '../foreign/tiny-net.ts';
import { temporaryFolder } from './support/test-model.ts';

const RGB = ['red', 'green', 'blue'];
const SMALL = { port: 0, inference: { workers: 1, threads: 1 }, demoDirectory: false } as const;
const red = new Uint8Array(
  await sharp({ create: { width: 8, height: 8, channels: 3, background: '#f00' } })
    .png()
    .toBuffer(),
);

async function put(folder: string, files: Record<string, unknown>): Promise<string> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(join(path, '..'), { recursive: true });
    const isRaw = typeof content === 'string' || content instanceof Uint8Array;
    await writeFile(`${path}.part`, isRaw ? content : JSON.stringify(content));
    await rename(`${path}.part`, path);
  }
  return folder;
}

/** A model of another program, and the JSON beside it. */
function model(stem: string, labels: unknown = RGB): Record<string, unknown> {
  return { [`${stem}.onnx`]: tinyNet(), [`${stem}.json`]: { ...HALVES, labels } };
}

async function start(options: Parameters<typeof startServer>[0]): Promise<RunningServer> {
  const server = await startServer({ ...SMALL, ...options });
  after(() => server.close());
  return server;
}

async function get(
  server: RunningServer,
  path: string,
): Promise<{ status: number; body: unknown; text: string }> {
  const response = await fetch(server.url + path);
  const text = await response.text();
  return {
    status: response.status,
    text,
    body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : {},
  };
}

/** What a model says of a red picture: its best label and the probability, or the refusal. */
async function ask(server: RunningServer, name: string): Promise<string> {
  const response = await fetch(`${server.url}/predict?model=${encodeURIComponent(name)}`, {
    method: 'POST',
    body: red,
  });
  const answer = (await response.json()) as {
    error?: string;
    predictions?: { label: string; probability: number }[];
  };
  const [best] = answer.predictions ?? [];
  return best ? `${best.label} ${best.probability.toFixed(3)}` : `${response.status} ${answer.error}`;
}

describe('a model folder with unusable files', async () => {
  const folder = await put(await temporaryFolder(), {
    ...model('good'),
    'half.onnx': tinyNet().subarray(0, 60),
    'half.json': HALVES,
    'bare.onnx': tinyNet(),
    'many.onnx': tinyNet(),
    'many.json': { ...HALVES, labels: ['a', 'b'] },
    'twice.onnx': tinyNet(),
    'twice.json': HALVES,
    'twice/1/model.onnx': tinyNet(),
    'old/1/model.onnx': tinyNet(),
    'old/1/model.json': HALVES,
    'old/2/model.onnx': 'half a mod',
    'old/3/README': 'not here yet',
    'hf/onnx/model.onnx': tinyNet(),
    'hf/preprocessor_config.json': '{',
    'several/a.onnx': tinyNet(),
    'several/b.onnx': tinyNet(),
    ...model('one/another name'),
  });
  await symlink('nowhere.onnx', join(folder, 'dangling.onnx'));
  if (process.platform !== 'win32') execFileSync('mkfifo', [join(folder, 'pipe.onnx')]);
  const server = await start({ folder });
  const bad = ['bare', 'dangling', 'half', 'hf', 'many', 'pipe', 'several'].filter(
    (name) => name !== 'pipe' || process.platform !== 'win32',
  );

  it('serves the others, and is ready', async () => {
    assert.equal(await ask(server, 'good'), 'red 0.965');
    assert.equal(await ask(server, 'old'), '0 0.965');
    for (const path of ['/healthz', '/v2/health/ready']) assert.equal((await get(server, path)).status, 200);
  });

  it('names them in the index, with a reason and without paths', async () => {
    const { body } = await get(server, '/v2/repository/index');
    const index = body as { name: string; version: string; state: string; reason: string }[];
    const states = (state: string) => index.filter((entry) => entry.state === state);
    assert.deepEqual(
      states('READY').map(({ name, version }) => `${name}@${version}`),
      ['good@1', 'old@1', 'one@1', 'twice@1'],
    );
    assert.deepEqual(
      [...new Set(states('UNAVAILABLE').map(({ name, version }) => `${name}@${version}`))],
      [...bad.map((name) => `${name}@1`), 'old@2', 'old@3', 'twice@1'].sort(),
    );
    const reasons = new Map(
      states('UNAVAILABLE').map(({ name, version, reason }) => [`${name}@${version}`, reason]),
    );
    assert.match(reasons.get('bare@1')!, /^bare.onnx does not say how to prepare images/);
    assert.match(reasons.get('many@1')!, /2 labels/);
    assert.match(reasons.get('hf@1')!, /^preprocessor_config.json is not JSON/);
    assert.match(reasons.get('twice@1')!, /are both version 1 of "twice"|does not say how/);
    assert.match(reasons.get('old@3')!, /cannot be read/);
    for (const [name, reason] of reasons) {
      assert.ok(reason.length > 10, name);
      assert.ok(!reason.includes(folder), reason);
    }
    const ready = await fetch(`${server.url}/v2/repository/index`, {
      method: 'POST',
      body: '{"ready":true}',
    });
    assert.equal(((await ready.json()) as unknown[]).length, 4);
  });

  it("names them in each model's readiness, in the metrics and to whoever asks them", async () => {
    const ready = await get(server, '/v2/models/half/ready');
    assert.equal(ready.status, 503);
    const { reason, ...rest } = ready.body as { reason: string };
    assert.deepEqual(rest, { name: 'half', ready: false });
    assert.match(reason, /^half.onnx is not an ONNX model/);
    assert.equal((await get(server, '/v2/models/old/versions/2/ready')).status, 503);
    assert.equal((await get(server, '/v2/models/old/ready')).status, 200);
    assert.match(await ask(server, 'half'), /^503 "half" cannot be used: half.onnx is not an ONNX model/);
    assert.match(await ask(server, 'old@2'), /^503/);
    assert.match(await ask(server, 'none'), /^404/);
    const { text } = await get(server, '/metrics');
    for (const name of bad) assert.ok(text.includes(`model_ready{model="${name}",version="1"} 0\n`), name);
    for (const name of ['good', 'twice', 'old'])
      assert.ok(text.includes(`model_ready{model="${name}",version="1"} 1\n`));
  });

  it('says so at start', () => {
    const text = startupText(server);
    assert.match(text, /^unusable half@1: half.onnx is not an ONNX model/m);
    assert.match(text, /^model {4}good@1 /m);
  });

  it('mends them where they are mended', async () => {
    await put(folder, model('half'));
    for (let i = 0; i < 2; i++) await server.registry.reload();
    assert.equal(await ask(server, 'half'), 'red 0.965');
    assert.equal((await get(server, '/v2/models/half/ready')).status, 200);
  });

  it('starts not at all if none can be used, and for one asked for by name', async () => {
    const broken = await put(await temporaryFolder(), { 'a.onnx': 'x', 'b.onnx': 'y' });
    await assert.rejects(
      startServer({ ...SMALL, folder: broken }),
      /none of 2 models can be used: .*a.onnx.*b.onnx/,
    );
    const named = { models: [`x=${join(broken, 'a.onnx')}`], folder };
    await assert.rejects(startServer({ ...SMALL, ...named }), /a.onnx is not an ONNX model/);
  });
});

describe('names of files and folders', () => {
  const names: [given: string, safe: string][] = [
    ['plain-1.2_x', 'plain-1.2_x'],
    ['my model', 'my_model'],
    ['net (2)', 'net__2_'],
    ['net[v1]', 'net_v1_'],
    ['a=b', 'a_b'],
    ['a@b', 'a_b'],
    ['Übergrößé', 'Ubergro_e'],
    ['模型', '__'],
    ['-x', '_x'],
    ['x'.repeat(200), 'x'.repeat(100)],
  ];
  for (const [given, safe] of names)
    it(`${given.slice(0, 12)} is ${safe.slice(0, 12)}`, () => assert.equal(safeName(given), safe));

  it('are served under their safe name, whatever the extension, linked or not', async () => {
    const elsewhere = await put(await temporaryFolder(), {
      ...model('w/real'),
      ...model('v/1/model'),
      ...model('hf/onnx/model'),
    });
    const folder = await put(await temporaryFolder(), {
      'My Net (1).ONNX': tinyNet(),
      'My Net (1).json': { ...HALVES, labels: RGB },
      ...model('a=b'),
      ...model('a b'),
      ...model('a_b'),
      ...model('odd@name'),
      ...model('zero@0'),
      ...model('two@2'),
      ...model('été/3/model'),
      ...model('.hidden'),
      'notes/readme.onnx.txt': 'x',
    });
    await symlink(join(elsewhere, 'w', 'real.onnx'), join(folder, 'linked.onnx'));
    await symlink(join(elsewhere, 'w', 'real.onnx'), join(folder, 'both.onnx'));
    await symlink(join(elsewhere, 'w', 'real.json'), join(folder, 'both.json'));
    await symlink(join(elsewhere, 'v'), join(folder, 'linked-folder'));
    await mkdir(join(folder, 'linked-version'));
    await symlink(join(elsewhere, 'v', '1'), join(folder, 'linked-version', '4'));
    await symlink(join(elsewhere, 'hf'), join(folder, 'hugging'));
    const server = await start({ folder });
    const served = server.registry.all().map(({ name, version }) => `${name}@${version}`);
    const collided = served.filter((name) => /^a_b-[0-9a-f]{6}@1$/.test(name));
    assert.equal(collided.length, 2);
    assert.deepEqual(
      served.filter((name) => !collided.includes(name)),
      [
        ...['a_b@1', 'both@1', 'ete@3', 'hugging@1', 'linked@1', 'linked-folder@1', 'linked-version@4'],
        ...['My_Net__1_@1', 'odd_name@1', 'two@2', 'zero_0@1'],
      ],
    );
    for (const name of served) assert.equal(await ask(server, name), 'red 0.965', name);
    const file = join(folder, 'a=b.onnx');
    const single = await start({ models: [file, `x@7=${join(folder, 'My Net (1).ONNX')}`] });
    assert.equal(await ask(single, 'a_b'), 'red 0.965');
    assert.equal(await ask(single, 'x@7'), 'red 0.965');
    // The same as without those that came between.
    const alone = await scanFolder(await put(await temporaryFolder(), { 'a b.onnx': '', 'a_b.onnx': '' }));
    assert.ok(served.includes(`${alone.find(({ name }) => name !== 'a_b')!.name}@1`));
  });

  it("of Hugging Face's cache: links into blobs/, in a folder of models and by itself", async () => {
    const folder = await put(await temporaryFolder(), {
      'models--me--net/blobs/1': tinyNet({ location: 'model.onnx_data' }),
      'models--me--net/blobs/2': tinyWeight(),
      'models--me--net/blobs/3': {
        image_mean: [0.5, 0.5, 0.5],
        image_std: [0.5, 0.5, 0.5],
        size: 8,
        resample: 2,
      },
      'models--me--net/blobs/4': { id2label: { 0: 'red', 1: 'green', 2: 'blue' } },
      'models--me--net/refs/main': 'abc',
      'models--me--net/snapshots/aaa/old': '',
    });
    const repository = join(folder, 'models--me--net');
    const snapshot = join(repository, 'snapshots', 'abc');
    await mkdir(join(snapshot, 'onnx'), { recursive: true });
    await symlink('../../../blobs/1', join(snapshot, 'onnx', 'model.onnx'));
    await symlink('../../../blobs/2', join(snapshot, 'onnx', 'model.onnx_data'));
    await symlink('../../blobs/3', join(snapshot, 'preprocessor_config.json'));
    await symlink('../../blobs/4', join(snapshot, 'config.json'));
    const server = await start({ folder });
    assert.equal(await ask(server, 'models--me--net'), 'red 0.965');
    const single = await start({ models: [snapshot, `net=${repository}`] });
    assert.equal(await ask(single, 'abc'), 'red 0.965');
    assert.equal(await ask(single, 'net'), 'red 0.965');
    assert.match(startupText(server), /^note {5}models--me--net@1: its makers' preprocessing squeezes/m);
  });
});

describe('a reload looks at all files that a model is made of', async () => {
  const folder = await put(await temporaryFolder(), {
    'm.onnx': tinyNet({ location: 'm.data' }),
    'm.data': tinyWeight(),
    'm.json': { ...HALVES, labels: 'labels.txt' },
    'labels.txt': 'red\ngreen\nblue\n',
    ...model('other'),
    'late.onnx': tinyNet(),
  });
  const server = await start({ folder });
  const reload = async (): Promise<void> => {
    for (let i = 0; i < 2; i++) await server.registry.reload();
  };

  it('the JSON, the labels, the external data', async () => {
    assert.equal(await ask(server, 'm'), 'red 0.965');
    const { pool } = server.registry.resolve('other');
    await put(folder, { 'labels.txt': 'rot\ngelb\nblau\n' });
    await reload();
    assert.equal(await ask(server, 'm'), 'rot 0.965');
    await put(folder, { 'm.json': { mean: 0, std: 1, labels: 'labels.txt' } });
    await reload();
    assert.equal(await ask(server, 'm'), 'rot 0.787');
    const negative = new Float32Array(tinyWeight().buffer).map((value) => -value);
    await put(folder, { 'm.data': new Uint8Array(negative.buffer) });
    await reload();
    // As much of one as of the other, and more than of red: -2 x 1, twice 0.
    assert.equal(await ask(server, 'm'), 'gelb 0.468');
    assert.equal(server.registry.resolve('other').pool, pool, 'what did not change is not loaded again');
  });

  it('the JSON beside a --model alone, or that of --preprocessing, without being told to', async () => {
    const alone = await put(await temporaryFolder(), {
      ...model('net'),
      'other.json': { ...HALVES, labels: RGB },
    });
    const reloadSeconds = 0.05;
    for (const [json, preprocessing] of [
      ['net.json', undefined],
      ['other.json', join(alone, 'other.json')],
    ] as const) {
      const one = await start({ model: join(alone, 'net.onnx'), preprocessing, reloadSeconds });
      assert.equal(await ask(one, 'net'), 'red 0.965');
      await put(alone, { [json]: { ...HALVES, labels: ['rouge', 'vert', 'bleu'] } });
      for (let i = 0; i < 200 && (await ask(one, 'net')) !== 'rouge 0.965'; i++)
        await new Promise((resolve) => setTimeout(resolve, 25));
      assert.equal(await ask(one, 'net'), 'rouge 0.965');
    }
  });

  it('a JSON that comes later', async () => {
    assert.match(await ask(server, 'late'), /^503 "late" cannot be used: late.onnx does not say how/);
    await put(folder, { 'late.json': { ...HALVES, labels: RGB } });
    await server.registry.reload();
    assert.match(await ask(server, 'late'), /^503/, 'it may be half copied');
    await server.registry.reload();
    assert.equal(await ask(server, 'late'), 'red 0.965');
  });

  it('a JSON that breaks leaves what ran, which the index says', async () => {
    await put(folder, { 'late.json': '{' });
    await reload();
    assert.equal(await ask(server, 'late'), 'red 0.965');
    const index = (await get(server, '/v2/repository/index')).body as {
      name: string;
      state: string;
      reason: string;
    }[];
    const late = index.find(({ name }) => name === 'late')!;
    assert.equal(late.state, 'READY');
    assert.match(late.reason, /^late.json is not JSON/);
    await rm(join(folder, 'late.json'));
    await put(folder, { 'preprocessor_config.json': { image_mean: [0.5], image_std: [0.5], size: 8 } });
    await reload();
    assert.equal(await ask(server, 'late'), '0 0.965');
  });

  it('what failed is tried again with growing pauses, though its files are the same', async () => {
    const failures: number[] = [];
    const lone = await put(await temporaryFolder(), { ...model('fine'), 'bad.onnx': 'x' });
    const registry = new ModelRegistry({
      sources: await selectModels({ folder: lone }),
      inference: () => ({ workers: 1, threads: 1 }),
      limits: DEFAULT_LIMITS,
      retrySeconds: 0.1,
      onChange: ({ type }) => {
        if (type === 'failed') failures.push(performance.now());
      },
    });
    after(() => registry.close());
    await registry.open();
    assert.equal(failures.length, 1);
    const end = performance.now() + 5000;
    while (failures.length < 4 && performance.now() < end) {
      await registry.reload();
      await sleep(10);
    }
    const pauses = failures.slice(1).map((time, i) => time - failures[i]!);
    assert.equal(pauses.length, 3);
    assert.ok(pauses[0]! >= 95 && pauses[1]! >= 195 && pauses[2]! >= 395, `${pauses}`);
    // Another file begins anew.
    await put(lone, { 'bad.onnx': 'y' });
    await utimes(join(lone, 'bad.onnx'), 1, 1);
    await registry.reload();
    await registry.reload();
    assert.equal(failures.length, 5);
  });
});
