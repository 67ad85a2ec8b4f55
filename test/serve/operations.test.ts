import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parseOptions } from '../../core/cli/options.ts';
import { UserError } from '../../core/errors.ts';
import { encodeMetadata } from '../../core/model-metadata.ts';
import { decodeModel, encodeModel } from '../../core/onnx/model-file.ts';
import { apiKeyOfEnvironment, SERVE_OPTIONS, toServerOptions } from '../../serve/options.ts';
import { type RunningServer, type ServerOptions, startServer, startupText } from '../../serve/server.ts';
import { noisePng } from './support/images.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

const SLOW_WORKER = new URL('./support/slow-worker.ts', import.meta.url);
let model: string;
let png: Uint8Array<ArrayBuffer>;
let server: RunningServer;

before(async () => {
  ({ path: model } = await writeTestModel(await temporaryFolder()));
  png = await noisePng(1);
  server = await start({});
});

after(() => server.close());

const start = (options: ServerOptions): Promise<RunningServer> =>
  startServer({ model, port: 0, inference: { threads: 1 }, demoDirectory: false, ...options });

async function withServer(
  options: ServerOptions,
  body: (url: string, it: RunningServer) => Promise<void>,
): Promise<void> {
  const it = await start(options);
  try {
    await body(it.url, it);
  } finally {
    await it.close();
  }
}

const post = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/predict`, {
    method: 'POST',
    body: png,
    headers: { 'content-type': 'image/png', ...headers },
  });

test('metrics count requests, batches and what the models do', async () => {
  for (let i = 0; i < 3; i++) assert.equal((await post(server.url)).status, 200);
  await fetch(`${server.url}/secret-path-${'x'.repeat(50)}`);
  const response = await fetch(`${server.url}/metrics`);
  assert.match(response.headers.get('content-type')!, /^text\/plain; version=0.0.4/);
  const text = await response.text();
  assert.match(
    text,
    /http_request_duration_seconds_count\{method="POST",route="\/predict",status="200"\} 3\n/,
  );
  assert.match(text, /http_request_duration_seconds_count\{method="GET",route="other",status="404"\} 1\n/);
  assert.match(text, /inference_batch_images_count\{model="resnet20",version="1"\} 3\n/);
  assert.match(text, /inference_queue_seconds_count\{model="resnet20",version="1"\} 3\n/);
  assert.match(text, /inference_queue_images\{model="resnet20",version="1"\} 0\n/);
  assert.match(text, /model_ready\{model="resnet20",version="1"\} 1\n/);
  assert.match(text, /nodejs_eventloop_lag_p99_seconds/);
  assert.doesNotMatch(text, /secret-path/);
});

test('a request has an id: its own, or a new one', async () => {
  const own = await post(server.url, { 'x-request-id': 'abc-1' });
  assert.equal(own.headers.get('x-request-id'), 'abc-1');
  for (const id of ['a b', 'x'.repeat(200), '{"x":1}']) {
    const response = await post(server.url, { 'x-request-id': id });
    assert.match(response.headers.get('x-request-id')!, /^[0-9a-f-]{36}$/);
  }
});

test('with an API key, only health and the page are open', () =>
  withServer({ access: { apiKey: 'correct horse'.replace(' ', '-') } }, async (url) => {
    for (const headers of [
      {},
      { 'x-api-key': 'wrong' },
      { authorization: 'Bearer wrong' },
      { authorization: 'Basic x' },
    ]) {
      const refused = await post(url, headers as Record<string, string>);
      assert.equal(refused.status, 401);
      assert.equal(refused.headers.get('www-authenticate'), 'Bearer');
      assert.match(((await refused.json()) as { error: string }).error, /wants an API key/);
    }
    assert.equal((await post(url, { 'x-api-key': 'correct-horse' })).status, 200);
    assert.equal((await post(url, { authorization: 'Bearer correct-horse' })).status, 200);
    for (const path of ['/metrics', '/models', '/v2', '/model', '/models/resnet20.onnx']) {
      assert.equal((await fetch(url + path)).status, 401, path);
    }
    for (const path of ['/healthz', '/v2/health/live', '/v2/health/ready', '/docs', '/openapi.json']) {
      assert.equal((await fetch(url + path)).status, 200, path);
    }
  }));

test("with an API key nobody else learns which models there are, from the page's list or from health", async () => {
  const page = await temporaryFolder();
  await writeFile(join(page, 'index.html'), '<!doctype html>');
  const key = 'correct-horse';
  await withServer({ access: { apiKey: key, rateLimit: 8 }, demoDirectory: page }, async (url) => {
    const withKey = { headers: { 'x-api-key': key } };
    assert.equal((await fetch(`${url}/models/index.json`)).status, 401);
    assert.equal((await fetch(`${url}/models/index.json`, withKey)).status, 200);
    assert.deepEqual(await (await fetch(`${url}/healthz`)).json(), { status: 'ok' });
    assert.doesNotMatch(await (await fetch(`${url}/v2/health/ready`)).text(), /resnet20/);
    assert.equal((await fetch(url)).status, 200);
    // All of it counts, also what is refused, what is nowhere and what is open.
    for (const path of ['/nowhere', '/docs', '/openapi.json']) await fetch(url + path);
    assert.equal((await fetch(`${url}/models`, { method: 'POST' })).status, 405);
    assert.equal((await fetch(`${url}/models/index.json`, withKey)).status, 200);
    for (const path of [
      '/models/index.json',
      '/',
      '/docs',
      '/docs/start.js',
      '/nowhere',
      '/predict',
      '/metrics',
    ]) {
      assert.equal((await fetch(url + path, withKey)).status, 429, path);
    }
    for (const path of ['/healthz', '/v2/health/live', '/v2/health/ready']) {
      assert.equal((await fetch(url + path)).status, 200, path);
    }
  });
  await withServer({ demoDirectory: page }, async (url) => {
    assert.equal((await fetch(`${url}/models/index.json`)).status, 200);
    assert.deepEqual(await (await fetch(`${url}/healthz`)).json(), { status: 'ok', model: 'resnet20' });
  });
});

test('the key of the environment is read as that of a file is', async (t) => {
  const file = join(await temporaryFolder(), 'key');
  const before = process.env.SERVE_API_KEY;
  t.after(() => {
    if (before === undefined) delete process.env.SERVE_API_KEY;
    else process.env.SERVE_API_KEY = before;
  });
  const { options } = parseOptions({ name: 'serve', summary: '', options: SERVE_OPTIONS }, []);
  const keyOf = async (apiKeyFile?: string): Promise<string | undefined> =>
    (await toServerOptions({ ...options, apiKeyFile })).access?.apiKey;
  delete process.env.SERVE_API_KEY;
  assert.equal(await keyOf(), undefined);
  for (const [text, key] of [
    ['correct-horse\n', 'correct-horse'],
    [' \tcorrect-horse\r\n', 'correct-horse'],
    ['', undefined],
    ['\n', undefined],
    ['short', undefined],
    ['two words-of-it', undefined],
    ['pässwörter-1', undefined],
  ] as const) {
    process.env.SERVE_API_KEY = text;
    await writeFile(file, text);
    if (key !== undefined) {
      assert.equal(await keyOf(), key);
      assert.equal(await keyOf(file), key);
      assert.equal(apiKeyOfEnvironment(), key);
      continue;
    }
    const wanted = /must hold one key of at least 8 characters, of ASCII and without spaces/;
    await assert.rejects(keyOf(), (error: Error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, wanted);
      assert.equal(/set, but empty: unset it for none/.test(error.message), text.trim() === '');
      return true;
    });
    await assert.rejects(keyOf(file), wanted);
    assert.throws(apiKeyOfEnvironment, wanted);
  }
});

test('an address that asks too often gets 429 with Retry-After', () =>
  withServer({ access: { rateLimit: 3 } }, async (url) => {
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push(await post(url));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 429, 429],
    );
    assert.ok(Number(answers[4]!.headers.get('retry-after')) > 0);
    assert.match(((await answers[4]!.json()) as { error: string }).error, /more than 3 requests/);
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
  }));

test('other origins may read the answers only if they are named', () =>
  withServer({ access: { cors: ['https://a.example'] } }, async (url) => {
    const origin = { origin: 'https://a.example' };
    assert.equal((await post(server.url, origin)).headers.get('access-control-allow-origin'), null);
    assert.equal((await post(url, origin)).headers.get('access-control-allow-origin'), 'https://a.example');
    const other = await post(url, { origin: 'https://b.example' });
    assert.equal(other.headers.get('access-control-allow-origin'), null);
  }));

test('overload is a 503 with Retry-After, and counted', () =>
  withServer(
    {
      inference: { workerModule: SLOW_WORKER, workers: 1, maxQueued: 2, maxBatch: 1 },
      limits: { requests: 5 },
    },
    async (url) => {
      const responses = await Promise.all(Array.from({ length: 12 }, () => post(url)));
      const refused = responses.filter(({ status }) => status === 503);
      assert.equal(responses.filter(({ status }) => status === 200).length + refused.length, 12);
      assert.ok(refused.length >= 7, `${refused.length}`);
      for (const response of refused) {
        assert.equal(response.headers.get('retry-after'), '1');
        assert.match(((await response.json()) as { error: string }).error, /overloaded/);
      }
      assert.match(
        await (await fetch(`${url}/metrics`)).text(),
        /http_requests_rejected_total\{reason="overload"\} [1-9]/,
      );
      assert.equal((await post(url)).status, 200);
    },
  ));

test('a request that waits too long for the model is refused', () =>
  withServer(
    { inference: { workerModule: SLOW_WORKER, workers: 1, maxBatch: 1 }, limits: { queueSeconds: 0.2 } },
    async (url) => {
      const statuses = await Promise.all(Array.from({ length: 6 }, async () => (await post(url)).status));
      assert.ok(statuses.includes(200) && statuses.includes(503), `${statuses}`);
    },
  ));

test('a client that sends too slowly is cut off, and others are served meanwhile', () =>
  withServer({ limits: { receiveSeconds: 1 } }, async (url) => {
    const { port } = new URL(url);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1');
      let text = '';
      socket.on('data', (data) => {
        text += data;
      });
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
      socket.write(
        'POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 5000\r\n\r\nabc',
      );
      void post(url).then(({ status }) => assert.equal(status, 200), reject);
    });
    assert.match(answer, /^HTTP\/1.1 408 /);
    assert.equal((await post(url)).status, 200);
  }));

test('the start says an accuracy of the file, or that it is of the weights in float32', async () => {
  const folder = await temporaryFolder();
  const { path, metadata } = await writeTestModel(folder);
  const { graph } = decodeModel(await readFile(path));
  const accuracy = { top1: 0.8, top5: 0.9, loss: 1, images: 50, top1Correct: 40, top5Correct: 45 };
  const agreement = { on: 'test images of cifar100', images: 50, top1Agreeing: 49, top1Correct: 39 };
  for (const [more, said] of [
    [{ precision: 'fp32' }, 'top-1 80.00 % on 50 test images)'],
    [{ precision: 'int8' }, 'top-1 80.00 % on 50 test images in float32)'],
    [{ precision: 'int8', agreement }, 'top-1 78.00 % on 50 test images)'],
    [
      { precision: 'int8', agreement: { ...agreement, images: 10 } },
      'top-1 80.00 % on 50 test images in float32)',
    ],
  ] as const) {
    await writeFile(path, encodeModel(graph, encodeMetadata({ ...metadata, accuracy, ...more })));
    const it = await startServer({ models: [path], port: 0, inference: { workers: 1, threads: 1 } });
    const text = startupText(it);
    await it.close();
    assert.ok(text.includes(said), text);
  }
});

test('readiness goes before the port when the server stops', async () => {
  const it = await start({ drainSeconds: 1 });
  const closed = it.close();
  const health = await fetch(`${it.url}/healthz`, { headers: { connection: 'close' } });
  assert.equal(health.status, 503);
  assert.equal((await fetch(`${it.url}/v2/health/live`, { headers: { connection: 'close' } })).status, 200);
  const answer = await post(it.url);
  // A client does not send its next request on a connection that is about to be closed.
  assert.deepEqual([answer.status, answer.headers.get('connection')], [200, 'close']);
  await closed;
  await assert.rejects(post(it.url));
});

test('the OpenAPI document says what the server does', async () => {
  interface Schema {
    [key: string]: unknown;
  }
  interface Document {
    openapi: string;
    paths: Record<
      string,
      Record<
        string,
        { operationId: string; responses: Record<string, { content: Record<string, { schema?: Schema }> }> }
      >
    >;
    components: { schemas: Record<string, Schema> };
  }
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as Document;
  assert.equal(document.openapi, '3.1.0');
  const ids = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  );
  assert.equal(new Set(ids).size, ids.length);
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema({ $id: 'doc', components: document.components });
  const check = (path: string, method: string, status: number, body: unknown): void => {
    const schema = document.paths[path]?.[method]?.responses[status]?.content['application/json']?.schema;
    assert.ok(schema, `${method} ${path} ${status}`);
    const local = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"doc#/'));
    assert.ok(ajv.validate(local, body), `${path}: ${ajv.errorsText()} ${JSON.stringify(body)}`);
  };
  const gets: [string, string][] = [
    ['/model', '/model'],
    ['/models', '/models'],
    ['/models/{model}', '/models/resnet20'],
    ['/healthz', '/healthz'],
    ['/v2', '/v2'],
    ['/v2/health/live', '/v2/health/live'],
    ['/v2/health/ready', '/v2/health/ready'],
    ['/v2/models/{model}', '/v2/models/resnet20'],
    ['/v2/models/{model}/versions/{version}/ready', '/v2/models/resnet20/versions/1/ready'],
    ['/models/{model}', '/models/none'],
  ];
  for (const [path, address] of gets) {
    const response = await fetch(server.url + address);
    check(path, 'get', response.status, await response.json());
  }
  check('/predict', 'post', 200, await (await post(server.url)).json());
  const list = JSON.stringify({ images: [Buffer.from(png).toString('base64'), 'x!'] });
  const answer = await fetch(`${server.url}/predict`, {
    method: 'POST',
    body: list,
    headers: { 'content-type': 'application/json' },
  });
  check('/predict', 'post', 200, await answer.json());
  const infer = JSON.stringify({
    inputs: [{ name: 'input', shape: [1, 3, 32, 32], datatype: 'FP32', data: new Array(3072).fill(0.5) }],
  });
  for (const [body, status] of [
    [infer, 200],
    ['{}', 400],
  ] as const) {
    const response = await fetch(`${server.url}/v2/models/resnet20/infer`, { method: 'POST', body });
    assert.equal(response.status, status);
    check('/v2/models/{model}/infer', 'post', status, await response.json());
  }
});

test('the page to try it is all from this server, with nothing inline', async () => {
  const page = await fetch(`${server.url}/docs`);
  assert.equal(page.status, 200);
  const policy = page.headers.get('content-security-policy')!;
  assert.match(policy, /default-src 'self'/);
  assert.doesNotMatch(policy, /unsafe/);
  const html = await page.text();
  assert.doesNotMatch(html, /<script>|<style>|https?:\/\//);
  const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!);
  assert.ok(files.length >= 4);
  for (const file of files) {
    const response = await fetch(new URL(file, `${server.url}/docs`));
    assert.equal(response.status, 200, file);
    await response.arrayBuffer();
  }
  assert.match((await fetch(`${server.url}/`)).headers.get('content-security-policy')!, /default-src 'none'/);
});

test('an answer is sent whole to a client that reads slowly, and one that leaves early does no harm', async () => {
  const { port } = new URL(server.url);
  for (let i = 0; i < 5; i++) {
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(
          `POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: ${png.length}\r\n\r\n`,
        );
        // Gone before the model can have answered.
        socket.write(png, () => socket.destroy());
      });
      socket.on('close', () => resolve());
    });
  }
  const headers: IncomingHttpHeaders = await new Promise((resolve, reject) => {
    const req = request(`${server.url}/models/resnet20.onnx`, (res) => {
      res.pause();
      let bytes = 0;
      setTimeout(() => res.resume(), 300);
      res.on('data', (data: Buffer) => {
        bytes += data.length;
      });
      res.on('end', () => {
        assert.equal(String(bytes), res.headers['content-length']);
        resolve(res.headers);
      });
    });
    req.on('error', reject);
    req.end();
  });
  assert.equal(headers['content-type'], 'application/octet-stream');
  assert.equal((await post(server.url)).status, 200);
});

test('a model that is swapped in by the watcher needs no call', () =>
  withServer({ model: undefined, folder: join(model, '..'), reloadSeconds: 0.1 }, async (url) => {
    const list = async (): Promise<string[]> =>
      ((await (await fetch(`${url}/models`)).json()) as { models: { name: string }[] }).models.map(
        ({ name }) => name,
      );
    assert.deepEqual(await list(), ['test']);
    const { copyFile } = await import('node:fs/promises');
    await copyFile(model, join(model, '..', 'second.onnx'));
    for (let i = 0; i < 300 && (await list()).length < 2; i++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(await list(), ['second', 'test']);
  }));
