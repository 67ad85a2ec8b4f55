import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { createDemoApp } from '../../web-demo/server/app.ts';
import { listen } from '../../web-demo/server/listen.ts';
import { ModelFiles } from '../../web-demo/server/model-files.ts';
import { findTestSet } from '../../web-demo/server/test-set-file.ts';

describe("the demo's server", () => {
  let root: string;
  let server: Server;
  let url: string;

  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'demo-server-'));
    for (const folder of ['models', 'exports', 'dist', 'data/cifar-100-binary']) {
      await mkdir(path.join(root, folder), { recursive: true });
    }
    await writeFile(path.join(root, 'models/net10.onnx'), 'ten');
    await writeFile(path.join(root, 'models/net9.onnx'), 'nine');
    await writeFile(path.join(root, 'models/secret.txt'), 'no model');
    await writeFile(path.join(root, 'exports/mine.onnx'), 'mine!');
    await writeFile(path.join(root, 'dist/index.html'), '<!doctype html>');
    await writeFile(path.join(root, 'data/cifar-100-binary/test.bin'), '0123456789');
    const app = createDemoApp({
      dist: path.join(root, 'dist'),
      models: await ModelFiles.open(root),
      testSet: await findTestSet(path.join(root, 'data')),
    });
    ({ server, url } = await listen(app, 0, '127.0.0.1'));
  });

  after(async () => {
    server?.close();
    await rm(root, { recursive: true, force: true });
  });

  it('isolates the page, so that it gets threads', async () => {
    const response = await fetch(url);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('Cross-Origin-Opener-Policy'), 'same-origin');
    assert.equal(response.headers.get('Cross-Origin-Embedder-Policy'), 'require-corp');
    assert.equal(response.headers.get('Cache-Control'), 'no-cache');
    const policy = response.headers.get('Content-Security-Policy') ?? '';
    assert.match(policy, /default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self';/);
    assert.ok(!/unsafe-inline|'unsafe-eval'|\*/.test(policy), policy);
  });

  it('lists the models in natural order, exports after those of the project', async () => {
    const index = await (await fetch(`${url}models/index.json`)).json();
    const models = index.models.map(({ url, ...model }: { url: string }) => {
      assert.match(url, /\?v=[0-9a-z]+-[0-9a-z]+$/);
      return { ...model, url: url.split('?')[0] };
    });
    assert.deepEqual(
      { ...index, models },
      {
        default: 'net9',
        models: [
          { name: 'net9', bytes: 4, url: 'models/net9.onnx' },
          { name: 'net10', bytes: 3, url: 'models/net10.onnx' },
          { name: 'exports/mine', bytes: 5, url: 'models/exports/mine.onnx' },
        ],
        testSet: { url: 'data/cifar-100/test.bin', bytes: 10 },
      },
    );
  });

  it('lets a browser keep a version of a model for good, and no other address', async () => {
    const address = async () =>
      (await (await fetch(`${url}models/index.json`)).json()).models[2].url as string;
    const first = await address();
    assert.match((await fetch(url + first)).headers.get('Cache-Control') ?? '', /immutable/);
    await writeFile(path.join(root, 'exports/mine.onnx'), 'mine, exported again');
    const second = await address();
    assert.notEqual(second, first);
    assert.equal((await fetch(url + first)).headers.get('Cache-Control'), 'no-cache');
    await writeFile(path.join(root, 'exports/mine.onnx'), 'mine!');
  });

  it('serves the listed models and nothing beside them', async () => {
    assert.equal(await (await fetch(`${url}models/exports/mine.onnx`)).text(), 'mine!');
    for (const name of ['secret.txt', 'none.onnx', '..%2Fexports%2Fmine.onnx', '%2e%2e/dist/index.html']) {
      assert.equal((await fetch(`${url}models/${name}`)).status, 404, name);
    }
  });

  it('serves parts of the test set', async () => {
    const response = await fetch(`${url}data/cifar-100/test.bin`, { headers: { Range: 'bytes=2-4' } });
    assert.equal(response.status, 206);
    assert.equal(await response.text(), '234');
  });

  it('takes a name, an export first, or a file as --model', async () => {
    assert.equal((await ModelFiles.open(root, 'net10')).preferred, 'net10');
    assert.equal((await ModelFiles.open(root, 'mine')).preferred, 'exports/mine');
    assert.equal((await ModelFiles.open(root, path.join(root, 'models/net10.onnx'))).preferred, 'net10');
    const elsewhere = path.join(root, 'other.onnx');
    await writeFile(elsewhere, 'other');
    const models = await ModelFiles.open(root, elsewhere);
    assert.equal(models.preferred, 'other');
    assert.deepEqual((await models.list())[0], {
      name: 'other',
      file: elsewhere,
      bytes: 5,
      version: (await models.find('other'))?.version,
    });
  });

  it('says what is wrong with its options', async () => {
    await assert.rejects(ModelFiles.open(root, 'nope'), (error) => {
      assert.ok(error instanceof UserError);
      assert.equal(
        error.message,
        'there is no model "nope"; --model is an .onnx file or one of: net9, net10, exports/mine',
      );
      return true;
    });
    await assert.rejects(ModelFiles.open(path.join(root, 'dist')), /there is no \.onnx file in models\//);
    await assert.rejects(findTestSet(path.join(root, 'dist')), /--data: there is no test\.bin in/);
    const { port } = new URL(url);
    const app = createDemoApp({ dist: root, models: await ModelFiles.open(root) });
    await assert.rejects(
      listen(app, Number(port), '127.0.0.1'),
      /port \d+ is taken; choose another with --port/,
    );
  });
});
