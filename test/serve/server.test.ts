import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { softmax } from '../../core/metrics/softmax.ts';
import { topK } from '../../core/metrics/top-k.ts';
import type { ClassifierMetadata } from '../../core/model-metadata.ts';
import { type RunningServer, startServer } from '../../serve/server.ts';
import { directLogits } from './support/direct.ts';
import { noise, noisePng } from './support/images.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

interface Prediction {
  index: number;
  label: string;
  probability: number;
}
interface Answer {
  model: string;
  predictions: Prediction[];
  results: { predictions?: Prediction[]; error?: string }[];
  latencyMs: { decode: number; inference: number };
  error: string;
}

const MAX_BODY = 200_000;
const MAX_IMAGES = 8;
let server: RunningServer;
let modelPath: string;
let metadata: ClassifierMetadata;

before(async () => {
  ({ path: modelPath, metadata } = await writeTestModel(await temporaryFolder()));
  server = await startServer({
    model: modelPath,
    port: 0,
    limits: { bodyBytes: MAX_BODY, images: MAX_IMAGES, pixels: 1_000_000 },
    inference: { threads: 1 },
    demoDirectory: false,
  });
});

after(() => server.close());

async function post(
  body: BodyInit | null,
  contentType?: string,
  path = '/predict',
): Promise<{ status: number; body: Answer }> {
  const headers: Record<string, string> = contentType === undefined ? {} : { 'content-type': contentType };
  const response = await fetch(server.url + path, { method: 'POST', body, headers });
  return { status: response.status, body: (await response.json()) as Answer };
}

function form(files: [field: string, file: Uint8Array<ArrayBuffer>][]): FormData {
  const data = new FormData();
  for (const [field, file] of files) data.append(field, new Blob([file]), 'x.png');
  return data;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const json = (value: unknown): [string, string] => [JSON.stringify(value), 'application/json'];

/** Probabilities to a millionth: a batch may sum in another order than a single image. */
function assertSame(actual: Prediction[] | undefined, expected: Prediction[]): void {
  assert.deepEqual(
    actual?.map(({ index, label }) => ({ index, label })),
    expected.map(({ index, label }) => ({ index, label })),
  );
  actual?.forEach((prediction, i) => {
    assert.ok(Math.abs(prediction.probability - expected[i]!.probability) < 1e-6);
  });
}

/** What the model says of `noise(seed)`, without the server. */
async function expected(seed: number, k = 5): Promise<Prediction[]> {
  const logits = await directLogits(modelPath, metadata, [noise(seed)]);
  const probabilities = softmax(logits);
  return topK(logits, k).map((index) => ({
    index,
    label: metadata.labels[index]!,
    probability: probabilities[index]!,
  }));
}

test('every form of one image gives what onnxruntime gives directly', async () => {
  const png = await noisePng(1);
  const want = await expected(1);
  const forms: [BodyInit, string?][] = [
    [form([['image', png]])],
    [png, 'image/png'],
    // What the client calls it does not matter.
    [png, 'image/jpeg'],
    [png, 'application/octet-stream'],
    json({ image: base64(png) }),
    json({ image: `data:image/png;base64,${base64(png)}` }),
    json({ image: base64(png).replace(/(.{76})/g, '$1\r\n') }),
    json({ image: Buffer.from(png).toString('base64url') }),
  ];
  for (const [body, type] of forms) {
    const answer = await post(body, type);
    assert.equal(answer.status, 200, answer.body.error);
    assert.equal(answer.body.model, 'resnet20');
    assertSame(answer.body.predictions, want);
    assert.ok(answer.body.latencyMs.decode > 0 && answer.body.latencyMs.inference > 0);
  }
});

test('a batch gives what single images give, in order', async () => {
  const seeds = [1, 2, 3, 4, 5];
  const files = await Promise.all(seeds.map((seed) => noisePng(seed)));
  const want = await Promise.all(seeds.map((seed) => expected(seed)));
  for (const [body, type] of [
    [form(files.map((file) => ['image', file]))],
    [form(files.map((file) => ['images', file]))],
    json({ images: files.map(base64) }),
  ] as [BodyInit, string?][]) {
    const { status, body: answer } = await post(body, type);
    assert.equal(status, 200, answer.error);
    assert.equal(answer.results.length, seeds.length);
    answer.results.forEach((result, i) => {
      assertSame(result.predictions, want[i]!);
    });
  }
});

test('the plural field answers with a list even for one image', async () => {
  const png = await noisePng(1);
  for (const [body, type] of [[form([['images', png]])], json({ images: [base64(png)] })] as [
    BodyInit,
    string?,
  ][]) {
    assert.equal((await post(body, type)).body.results.length, 1);
  }
});

test('a bad image in a batch fails alone', async () => {
  const png = await noisePng(1);
  const { status, body } = await post(
    ...json({ images: [base64(png), '!!', base64(png.subarray(0, 99)), 7, ''] }),
  );
  assert.equal(status, 200);
  assertSame(body.results[0]!.predictions, await expected(1));
  assert.match(body.results[1]!.error!, /not valid base64/);
  assert.match(body.results[2]!.error!, /damaged/);
  assert.match(body.results[3]!.error!, /must be a string/);
  assert.match(body.results[4]!.error!, /empty/);
  const none = await post(
    form([
      ['image', new Uint8Array([1, 2, 3])],
      ['image', new Uint8Array([4])],
    ]),
  );
  assert.equal(none.status, 200);
  assert.ok(none.body.results.every((result) => result.error));
});

test('topk chooses how many', async () => {
  const png = await noisePng(1);
  for (const k of [1, 3, 10, 11, 1000]) {
    const { body } = await post(png, 'image/png', `/predict?topk=${k}`);
    assertSame(body.predictions, await expected(1, Math.min(k, 10)));
  }
  const sum = (await post(png, 'image/png', '/predict?topk=10')).body.predictions.reduce(
    (total, { probability }) => total + probability,
    0,
  );
  assert.ok(Math.abs(sum - 1) < 1e-5);
  for (const k of ['0', '-1', '1.5', 'x', '', '1e1', '2&topk=3']) {
    const { status, body } = await post(png, 'image/png', `/predict?topk=${k}`);
    assert.equal(status, 400);
    assert.match(body.error, /topk must be a whole number from 1 to 10/);
  }
});

test('concurrent requests each get their own answer', async () => {
  const seeds = Array.from({ length: 40 }, (_, i) => i + 100);
  const want = await Promise.all(seeds.map((seed) => expected(seed, 1)));
  const answers = await Promise.all(
    seeds.map(async (seed) => post(await noisePng(seed), 'image/png', '/predict?topk=1')),
  );
  answers.forEach(({ body }, i) => {
    assertSame(body.predictions, want[i]!);
  });
});

test('bad requests get a status and one clear line', async () => {
  const png = await noisePng(1);
  const large = new Uint8Array(MAX_BODY + 1);
  const cases: [name: string, status: number, message: RegExp, body: BodyInit | null, type?: string][] = [
    ['no body', 400, /no body/, null],
    ['no body but a type', 400, /no body/, null, 'image/png'],
    ['empty JSON', 400, /no body/, '', 'application/json'],
    ['text', 415, /content-type "text\/plain.*multipart/, 'hello'],
    ['a form', 415, /content-type/, 'image=1', 'application/x-www-form-urlencoded'],
    ['not an image', 415, /supported format/, 'hello', 'image/png'],
    ['truncated PNG', 422, /damaged or truncated/, png.subarray(0, 200), 'image/png'],
    ['truncated file', 422, /damaged or truncated/, form([['image', png.subarray(0, 200)]])],
    ['empty file', 400, /empty/, form([['image', new Uint8Array()]])],
    ['bad JSON', 400, /not valid JSON/, '{"image":', 'application/json'],
    ['JSON null', 400, /not valid JSON|either "image"/, 'null', 'application/json'],
    ['a JSON list', 400, /either "image"/, '[]', 'application/json'],
    ['no image', 400, /either "image"/, ...json({ img: 'x' })],
    ['both', 400, /either "image"/, ...json({ image: 'x', images: ['x'] })],
    ['bad base64', 400, /not valid base64/, ...json({ image: 'a*b' })],
    ['base64 of odd length', 400, /not valid base64/, ...json({ image: 'abcde' })],
    ['empty base64', 400, /empty/, ...json({ image: '' })],
    ['not a string', 400, /either "image"/, ...json({ image: 5 })],
    ['more than an image', 400, /"other"/, ...json({ image: 'x', other: 1 })],
    ['URL-encoded data URL', 400, /data URL/, ...json({ image: 'data:image/png,abc' })],
    ['a web address', 400, /not valid base64.*"url"/, ...json({ image: 'http://example.com/a.png' })],
    [
      'a web address, and none are fetched',
      400,
      /--image-urls is off/,
      ...json({ url: 'http://example.com/' }),
    ],
    ['no images', 400, /not empty/, ...json({ images: [] })],
    ['images not a list', 400, /list/, ...json({ images: 'x' })],
    ['too large', 413, /larger than 0.2 MB/, large, 'image/png'],
    ['a large file', 413, /larger than 0.2 MB/, form([['image', large]])],
    ['large JSON', 413, /larger than 0.2 MB/, ...json({ image: base64(large) })],
    ['too many files', 413, /at most 8/, form(Array.from({ length: 9 }, () => ['image', png]))],
    ['too many in JSON', 413, /at most 8/, ...json({ images: Array(9).fill('x') })],
    ['too many pixels', 413, /megapixels/, await bigPng(), 'image/png'],
    ['no file', 400, /no image/, form([])],
    ['no boundary', 400, /malformed multipart/, 'x', 'multipart/form-data'],
    ['a cut multipart', 400, /malformed multipart/, '--b\r\nContent-Dis', 'multipart/form-data; boundary=b'],
  ];
  for (const [name, status, message, body, type] of cases) {
    const answer = await post(body, type);
    assert.equal(answer.status, status, `${name}: ${JSON.stringify(answer.body)}`);
    assert.match(answer.body.error, message, name);
    assert.deepEqual(Object.keys(answer.body), ['error'], name);
    assert.doesNotMatch(answer.body.error, /\n|\.ts\b|node_modules/, name);
  }
  // And it still works.
  assert.equal((await post(png, 'image/png')).status, 200);
});

async function bigPng(): Promise<Uint8Array<ArrayBuffer>> {
  const { default: sharp } = await import('sharp');
  const create = { width: 1500, height: 1000, channels: 3, background: 'red' } as const;
  return new Uint8Array(await sharp({ create }).png().toBuffer());
}

test('a body sent in chunks is bounded too', async () => {
  const chunk = new Uint8Array(50_000);
  const send = (type: string, head: string): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const req = request(`${server.url}/predict`, { method: 'POST', headers: { 'content-type': type } });
      req.on('response', (res) => {
        let body = '';
        res.on('data', (data) => {
          body += data;
        });
        res.on('end', () => resolve({ status: res.statusCode!, body }));
      });
      req.on('error', reject);
      req.write(head);
      for (let i = 0; i < 6; i++) req.write(chunk);
      req.end();
    });
  const part = '--b\r\ncontent-disposition: form-data; name="image"; filename="a"\r\n\r\n';
  for (const [type, head] of [
    ['image/png', ''],
    ['multipart/form-data; boundary=b', part],
  ] as const) {
    const { status, body } = await send(type, head);
    assert.equal(status, 413);
    assert.match(body, /larger than 0.2 MB/);
  }
});

test('several files that are too large together are refused when their length is not said', async () => {
  const part = '--b\r\ncontent-disposition: form-data; name="image"; filename="a"\r\n\r\n';
  const file = `${part}${'x'.repeat(90_000)}\r\n`;
  const status = await new Promise<number>((resolve, reject) => {
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    const req = request(`${server.url}/predict`, { method: 'POST', headers });
    req.on('response', (res) => {
      res.resume();
      resolve(res.statusCode!);
    });
    req.on('error', reject);
    for (let i = 0; i < 3; i++) req.write(file);
    req.end('--b--\r\n');
  });
  assert.equal(status, 413);
});

test('a client that goes away does no harm', async () => {
  for (const type of ['image/png', 'multipart/form-data; boundary=b', 'application/json']) {
    await new Promise<void>((resolve) => {
      const headers = { 'content-type': type, 'content-length': '1000' };
      const req = request(`${server.url}/predict`, { method: 'POST', headers });
      req.on('error', () => {});
      req.on('close', () => resolve());
      req.write('--b\r\ncontent-disposition: form-data; name="image"; filename="a"\r\n\r\nabc', () =>
        req.destroy(),
      );
    });
  }
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
});

test('health, model and the model file', async () => {
  const health = await fetch(`${server.url}/healthz`);
  assert.equal(health.status, 200);
  assert.deepEqual(await health.json(), { status: 'ok', model: 'resnet20' });

  const bytes = await readFile(modelPath);
  assert.deepEqual(await (await fetch(`${server.url}/model`)).json(), {
    name: 'resnet20',
    version: 1,
    versions: [1],
    dataset: 'cifar100',
    labels: metadata.labels,
    input: {
      layout: 'NCHW',
      colorSpace: 'RGB',
      height: 32,
      width: 32,
      mean: metadata.mean,
      std: metadata.std,
    },
    scores: 'logits',
    accuracy: null,
    file: '/models/resnet20@1.onnx',
    bytes: bytes.length,
  });
  for (const path of ['/models/resnet20.onnx', '/models/resnet20@1.onnx', '/models/resnet20@latest.onnx']) {
    const file = await fetch(server.url + path);
    assert.equal(file.headers.get('content-type'), 'application/octet-stream');
    assert.deepEqual(Buffer.from(await file.arrayBuffer()), bytes);
  }
});

test('unknown paths are 404 and other methods 405, as JSON', async () => {
  for (const path of ['/nothing', '/models/other.onnx', '/predict/x', '/..%2f..%2fpackage.json']) {
    const response = await fetch(server.url + path);
    assert.equal(response.status, 404, path);
    assert.match(((await response.json()) as Answer).error, /nothing at|no model/);
  }
  for (const [method, path, allow] of [
    ['GET', '/predict', 'POST'],
    ['PUT', '/predict', 'POST'],
    ['DELETE', '/model', 'GET, HEAD'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['POST', '/models/resnet20.onnx', 'GET, HEAD'],
  ] as const) {
    const response = await fetch(server.url + path, { method });
    assert.equal(response.status, 405, path);
    assert.equal(response.headers.get('allow'), allow);
    assert.match(((await response.json()) as Answer).error, new RegExp(`use ${allow.replace(', ', ' or ')}`));
  }
  const malformed = await fetch(`${server.url}/%ff`);
  assert.ok(malformed.status === 400 || malformed.status === 404);
  assert.ok(((await malformed.json()) as Answer).error);
});

test('headers isolate the page and do not name the software', async () => {
  const { headers } = await fetch(`${server.url}/`);
  assert.equal(headers.get('cross-origin-opener-policy'), 'same-origin');
  assert.equal(headers.get('cross-origin-embedder-policy'), 'require-corp');
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
  assert.equal(headers.get('x-powered-by'), null);
});
