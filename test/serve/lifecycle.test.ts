import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { encodeMetadata } from '../../core/model-metadata.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { createApp } from '../../serve/app.ts';
import { DEFAULT_LIMITS } from '../../serve/http/limits.ts';
import { createLogger } from '../../serve/http/logger.ts';
import { Metrics } from '../../serve/http/metrics.ts';
import { findModelFile, loadServedModel } from '../../serve/model-file.ts';
import { ModelRegistry } from '../../serve/models/registry.ts';
import { startServer } from '../../serve/server.ts';
import { noisePng } from './support/images.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

let folder: string;
let model: string;

before(async () => {
  folder = await temporaryFolder();
  ({ path: model } = await writeTestModel(folder));
});

const fails = (promise: Promise<unknown>, message: RegExp): Promise<void> =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });

test('before the model is loaded, health and predict answer 503', async () => {
  const { logger } = createLogger('silent');
  const registry = new ModelRegistry({
    sources: async () => [{ name: 'm', version: 1, path: model }],
    inference: () => ({ threads: 1 }),
    limits: DEFAULT_LIMITS,
  });
  const metrics = new Metrics(() => []);
  const app = createApp({ registry, logger, metrics, limits: DEFAULT_LIMITS });
  const server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const health = await fetch(`${url}/healthz`);
    assert.equal(health.status, 503);
    assert.match(((await health.json()) as { error: string }).error, /not ready/);
    const predict = await fetch(`${url}/predict`, { method: 'POST', body: await noisePng(1) });
    assert.equal(predict.status, 503);
    assert.equal(predict.headers.get('retry-after'), '1');
    assert.equal((await fetch(`${url}/model`)).status, 503);
    assert.equal((await fetch(`${url}/v2/health/live`)).status, 200);
    assert.equal((await fetch(`${url}/v2/health/ready`)).status, 503);
    await registry.open();
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    assert.equal((await fetch(`${url}/v2/models/m/ready`)).status, 200);
  } finally {
    server.close();
    server.closeAllConnections();
    await registry.close();
  }
});

test('close finishes the requests it accepted, and refuses new ones', async () => {
  const server = await startServer({ model, port: 0, inference: { threads: 1 }, demoDirectory: false });
  const png = await noisePng(1);
  let sendRest = (): void => {};
  const answer = new Promise<number>((resolve, reject) => {
    const headers = { 'content-type': 'image/png', 'content-length': png.length };
    const req = request(`${server.url}/predict`, { method: 'POST', headers });
    req.on('response', (res) => {
      res.resume();
      resolve(res.statusCode!);
    });
    req.on('error', reject);
    sendRest = () => req.end(png.subarray(100));
    req.write(png.subarray(0, 100));
  });
  // A full exchange on another connection: by then the server has seen the first request.
  await fetch(`${server.url}/healthz`);
  const closed = server.close();
  await assert.rejects(fetch(`${server.url}/healthz`, { headers: { connection: 'close' } }));
  sendRest();
  assert.equal(await answer, 200);
  await closed;
  await server.close();
});

test('a crash of inference is a 503, after which the server recovers', async () => {
  const workerModule = new URL('./support/crashing-worker.ts', import.meta.url);
  // One class, and a black pixel normalises to 666 (see the worker).
  const graph = buildModel('resnet20', { numClasses: 1 });
  const { metadata } = await loadServedModel(model);
  const path = join(folder, 'crash.onnx');
  const mean: [number, number, number] = [-666, 0, 0];
  await writeFile(
    path,
    encodeModel(graph, encodeMetadata({ ...metadata, labels: ['x'], mean, std: [1, 1, 1] })),
  );
  const server = await startServer({
    model: path,
    port: 0,
    inference: { workerModule },
    demoDirectory: false,
  });
  try {
    const post = async (red: number): Promise<Response> => {
      const { default: sharp } = await import('sharp');
      const background = { r: red, g: 0, b: 0 };
      const body = await sharp({ create: { width: 32, height: 32, channels: 3, background } })
        .png()
        .toBuffer();
      return fetch(`${server.url}/predict`, {
        method: 'POST',
        body: new Uint8Array(body),
        headers: { 'content-type': 'image/png' },
      });
    };
    assert.equal((await post(9)).status, 200);
    const crashed = await post(0);
    assert.equal(crashed.status, 503);
    assert.match(((await crashed.json()) as { error: string }).error, /interrupted; try again/);
    assert.equal((await post(9)).status, 200);
    assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  } finally {
    await server.close();
  }
});

test('a built demo page is served at the root', async () => {
  const dist = join(folder, 'dist');
  await mkdir(join(dist, 'assets'), { recursive: true });
  await writeFile(join(dist, 'index.html'), '<title>demo</title>');
  await writeFile(join(dist, 'assets', 'app-1234.wasm'), 'x');
  await writeFile(join(dist, '.sources.json'), '{}');
  const server = await startServer({ model, port: 0, inference: { threads: 1 }, demoDirectory: dist });
  try {
    assert.equal(server.hasDemo, true);
    const page = await fetch(`${server.url}/`);
    assert.match(await page.text(), /demo/);
    assert.equal(page.headers.get('cross-origin-embedder-policy'), 'require-corp');
    assert.equal(page.headers.get('cache-control'), 'no-cache');
    const wasm = await fetch(`${server.url}/assets/app-1234.wasm`);
    assert.equal(wasm.headers.get('content-type'), 'application/wasm');
    assert.match(wasm.headers.get('cache-control')!, /immutable/);
    for (const path of ['/.sources.json', '/..%2ftest.onnx', '/assets']) {
      const response = await fetch(server.url + path, { redirect: 'manual' });
      assert.ok(response.status === 404 || response.status === 301, `${path} ${response.status}`);
    }
  } finally {
    await server.close();
  }
});

test('a port in use and a bad host are one clear line', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  await fails(startServer({ model, port }), new RegExp(`port ${port} on 127.0.0.1 is in use`));
  other.close();
  await fails(startServer({ model, port: 0, host: '192.0.2.1' }), /not an address of this machine/);
});

test('models that cannot be served are one clear line', async () => {
  await fails(startServer({ model: join(folder, 'none.onnx'), port: 0 }), /there is no file/);
  await fails(findModelFile('no-such-model'), /exports\/no-such-model.onnx or models\/no-such-model.onnx/);
  // A folder of several models, of which none is the one that a repository has.
  await fails(findModelFile(folder), /holds .*test\.onnx and no model\.onnx; give the one that is meant/);
  await fails(findModelFile(dirname(import.meta.dirname)), /there is no file/);

  const write = async (name: string, bytes: Uint8Array): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, bytes);
    return path;
  };
  await fails(loadServedModel(await write('text.onnx', Buffer.from('hello'))), /not an ONNX model/);
  const graph = buildModel('resnet20', { numClasses: 10 });
  await fails(
    loadServedModel(await write('bare.onnx', encodeModel(graph))),
    /does not say how to prepare images/,
  );
  const { metadata } = await loadServedModel(model);
  const labels = ['only', 'two'];
  await fails(
    loadServedModel(await write('labels.onnx', encodeModel(graph, encodeMetadata({ ...metadata, labels })))),
    /10 outputs but 2 labels/,
  );
  await fails(
    loadServedModel(
      await write('size.onnx', encodeModel(graph, encodeMetadata({ ...metadata, inputHeight: 64 }))),
    ),
    /says 64x32/,
  );
});
