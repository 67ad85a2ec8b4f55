/** What one client, or a few, can do to the others: hold bodies, memory, threads or models. */
import assert from 'node:assert/strict';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { stuffedPng, webpOfFrames } from '../../bench/serve/hostile-requests.ts';
import { pngChunk } from '../../bench/serve/png-file.ts';
import { OverloadError } from '../../core/errors.ts';
import { encodeMetadata } from '../../core/model-metadata.ts';
import { decodeModel, encodeModel } from '../../core/onnx/model-file.ts';
import { readJson } from '../../serve/http/read-json.ts';
import { loadServedModel } from '../../serve/model-file.ts';
import { ImagePipeline } from '../../serve/models/image-pipeline.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../serve/server.ts';
import { noisePng } from './support/images.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

let folder: string;
let model: string;
let png: Uint8Array<ArrayBuffer>;
let server: RunningServer;
/** Takes bodies of 30 MB. */
let large: RunningServer;

before(async () => {
  folder = await temporaryFolder();
  ({ path: model } = await writeTestModel(folder));
  png = await noisePng(1);
  server = await start({ limits: { stallSeconds: 0.5 } });
  large = await start({ limits: { bodyBytes: 30e6 } });
  // The threads take a while to start.
  const json = { 'content-type': 'application/json' };
  await post(large.url, `{"images":["${'A'.repeat(100_000)}"]}`, json);
  await post(large.url, `{"inputs":[${' '.repeat(100_000)}]}`, json, '/v2/models/resnet20/infer');
  await post(large.url, new Uint8Array(await noisePng(1, 400, 400)));
});

after(() => Promise.all([server.close(), large.close()]));

const start = (options: ServerOptions): Promise<RunningServer> =>
  startServer({ model, port: 0, inference: { threads: 1 }, demoDirectory: false, ...options });

async function withServer(options: ServerOptions, body: (it: RunningServer) => Promise<void>): Promise<void> {
  const it = await start(options);
  try {
    await body(it);
  } finally {
    await it.close();
  }
}

const post = (
  url: string,
  body: BodyInit = png,
  headers: Record<string, string> = { 'content-type': 'image/png' },
  path = '/predict',
): Promise<Response> => fetch(url + path, { method: 'POST', body, headers });

const refusal = async (response: Response): Promise<[status: number, error: string]> => [
  response.status,
  ((await response.json()) as { error: string }).error,
];

/** A connection that says what it is told and then nothing more. */
class Client {
  readonly socket: Socket;
  received = '';
  readonly closed: Promise<void>;

  constructor(url: string, text: string | Buffer, localAddress?: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect({ host: hostname, port: Number(port), ...(localAddress && { localAddress }) });
    this.socket.on('error', () => {});
    this.socket.on('data', (data: Buffer) => {
      this.received += data.toString('latin1');
    });
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
    this.socket.write(text);
  }

  /** The status of its answer; 0 if none comes in a while. */
  async status(): Promise<number> {
    for (let i = 0; i < 200 && !this.received.includes('\r\n'); i++) await sleep(10);
    return Number(/^HTTP\/1.1 (\d+)/.exec(this.received)?.[1] ?? 0);
  }
}

const head = (path: string, ...headers: string[]): string =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n${headers.join('\r\n')}\r\n\r\n`;
const ROUTES = ['/predict', '/v2/models/resnet20/infer'];
const TEN_MEGABYTES = 'Content-Length: 10000000';

test('bodies that only say how large they are hold up nobody, and are refused when they stand still', async () => {
  const clients = ROUTES.flatMap((path) =>
    Array.from({ length: 30 }, (_, i) => [
      new Client(server.url, head(path, TEN_MEGABYTES)),
      new Client(server.url, `${head(path, 'Transfer-Encoding: chunked')}${i % 2 ? '1\r\nx\r\n' : ''}`),
    ]).flat(),
  );
  await sleep(200);
  assert.equal((await post(server.url)).status, 200);
  const begin = performance.now();
  await Promise.all(clients.map(({ closed }) => closed));
  assert.ok(performance.now() - begin < 3000);
  assert.deepEqual([...new Set(await Promise.all(clients.map((it) => it.status())))], [408]);
  assert.match(clients[0]!.received, /nothing of the request came for 0.5 seconds/);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(metrics, /http_requests_rejected_total\{reason="stalled"\} 120\n/);
});

test('a body that comes slowly but comes is taken', async () => {
  const client = new Client(
    server.url,
    head('/predict', `Content-Length: ${png.length}`, 'Connection: close'),
  );
  for (let at = 0; at < png.length; at += Math.ceil(png.length / 5)) {
    client.socket.write(png.subarray(at, at + Math.ceil(png.length / 5)));
    await sleep(250);
  }
  await client.closed;
  assert.equal(await client.status(), 200);
});

test('an address has so many bodies arriving and no more; behind a proxy the client does', () =>
  withServer({ limits: { clientBodies: 3 }, access: { trustProxy: 1 } }, async ({ url }) => {
    const from = (address: string): Client =>
      new Client(url, head('/predict', TEN_MEGABYTES, `X-Forwarded-For: ${address}`));
    const held = ['a', 'b', 'c'].map(() => from('192.0.2.1'));
    await sleep(100);
    const ask = (address: string) =>
      post(url, png, { 'content-type': 'image/png', 'x-forwarded-for': address });
    const refused = await ask('192.0.2.1');
    assert.equal(refused.headers.get('retry-after'), '1');
    assert.deepEqual(await refusal(refused), [429, 'more than 3 of your requests are still arriving']);
    assert.equal((await ask('192.0.2.2')).status, 200);
    // One network of IPv6 is one client.
    held.push(...['1', '2', '3'].map((last) => from(`2001:db8::${last}`)));
    await sleep(100);
    assert.equal((await ask('2001:db8::4')).status, 429);
    assert.equal((await ask('2001:db9::4')).status, 200);
    for (const { socket } of held) socket.destroy();
    await sleep(100);
    assert.equal((await ask('192.0.2.1')).status, 200);
  }));

test('what counts of bodies is what arrived: of all together, and half of it for an address', () =>
  withServer({ limits: { totalBodyBytes: 100_000 }, access: { trustProxy: 1 } }, async ({ url }) => {
    const chunk = (bytes: number): Buffer =>
      Buffer.concat([Buffer.from(`${bytes.toString(16)}\r\n`), Buffer.alloc(bytes), Buffer.from('\r\n')]);
    const held = ['192.0.2.1', '192.0.2.2'].map((address) => {
      const start = head('/predict', 'Transfer-Encoding: chunked', `X-Forwarded-For: ${address}`);
      return new Client(url, Buffer.concat([Buffer.from(start), chunk(45_000)]));
    });
    await sleep(200);
    const send = (address: string, bytes: number) =>
      post(url, new Uint8Array(bytes), { 'content-type': 'image/png', 'x-forwarded-for': address });
    assert.equal((await send('192.0.2.1', 6000)).status, 429);
    assert.equal((await send('192.0.2.3', 6000)).status, 415);
    assert.equal((await send('192.0.2.3', 11_000)).status, 503);
    // In the middle of its body.
    held[0]!.socket.write(chunk(6000));
    assert.equal(await held[0]!.status(), 429);
    // What it had is free again.
    assert.equal((await send('192.0.2.3', 11_000)).status, 415);
    for (const { socket } of held) socket.destroy();
  }));

test('what npm run evaluate sends at most, and more, is taken from one address', async () => {
  const files = await Promise.all(Array.from({ length: 4 }, (_, i) => noisePng(i)));
  const answers = await Promise.all(
    Array.from({ length: 70 }, () => fetch(`${large.url}/predict`, { method: 'POST', body: form(files) })),
  );
  const statuses = answers.map(({ status }) => status);
  assert.deepEqual(statuses, Array(70).fill(200));
  for (const answer of answers) {
    const { results } = (await answer.json()) as { results: { predictions: unknown[] }[] };
    assert.ok(results.length === 4 && results.every(({ predictions }) => predictions.length === 5));
  }
});

test('a body in pieces is put together, one in very many tiny pieces refused', async () => {
  const chunked = (body: Uint8Array, piece: number): Buffer =>
    Buffer.concat([
      Buffer.from(head('/predict', 'Transfer-Encoding: chunked', 'Connection: close')),
      ...Array.from({ length: Math.ceil(body.length / piece) }, (_, i) => {
        const data = body.subarray(i * piece, (i + 1) * piece);
        return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]);
      }),
      Buffer.from('0\r\n\r\n'),
    ]);
  // Larger than its first room, and a byte at a time.
  const photo = await noisePng(1, 200, 200);
  assert.ok(photo.length > 100_000);
  for (const [body, piece] of [
    [photo, 1000],
    [photo, 65_536],
    [png, 1],
  ] as const) {
    const client = new Client(server.url, chunked(body, piece));
    assert.equal(await client.status(), 200, `${body.length} in pieces of ${piece}`);
  }
  const before = process.memoryUsage().rss;
  const clients = [0, 1, 2].map(() => {
    const start = head('/predict', 'Transfer-Encoding: chunked');
    return new Client(server.url, Buffer.concat([Buffer.from(start), Buffer.alloc(6_000_000, '1\r\nx\r\n')]));
  });
  for (const client of clients) {
    assert.equal(await client.status(), 400);
    assert.match(client.received, /the request body comes in too many pieces/);
    await client.closed;
  }
  assert.ok(process.memoryUsage().rss - before < 150e6);
});

test('requests of a connection are begun one after the other, and only so many may wait', async () => {
  const ask = (n: number): string => 'GET /model HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(n);
  const polite = new Client(server.url, ask(50));
  for (let i = 0; i < 200 && polite.received.split('HTTP/1.1 200').length <= 50; i++) await sleep(10);
  assert.equal(polite.received.split('HTTP/1.1 200').length - 1, 50);
  polite.socket.destroy();
  const greedy = Array.from({ length: 5 }, () => new Client(server.url, ask(1500)));
  const ended = Promise.all(greedy.map(({ closed }) => closed)).then(() => true);
  assert.ok(await Promise.race([ended, sleep(30_000, false, { ref: false })]), 'they may wait');
});

test('an output that is asked for twice is refused, and no memory taken for numbers that are not there', async () => {
  const json = { 'content-type': 'application/json' };
  const infer = (more: object): Promise<Response> => {
    const input = { name: 'input', shape: [256, 3, 32, 32], datatype: 'FP32', data: [1] };
    return post(server.url, JSON.stringify({ inputs: [input], ...more }), json, ROUTES[1]);
  };
  assert.deepEqual(await refusal(await infer({})), [
    400,
    'input "input" has 1 values, its shape says 786432',
  ]);
  const data = Array(3072).fill(0);
  const twice = await post(
    server.url,
    JSON.stringify({
      inputs: [{ name: 'input', shape: [1, 3, 32, 32], datatype: 'FP32', data }],
      outputs: [{ name: 'logits' }, { name: 'probabilities' }, { name: 'logits' }],
    }),
    json,
    ROUTES[1],
  );
  assert.deepEqual(await refusal(twice), [400, 'output "logits" is asked for twice']);
});

test('compressed bodies are refused at once, before they come', async () => {
  for (const path of ROUTES) {
    const clients = ['gzip', 'deflate', 'br', 'x'].map(
      (encoding) => new Client(server.url, head(path, `Content-Encoding: ${encoding}`, TEN_MEGABYTES)),
    );
    for (const client of clients) {
      assert.equal(await client.status(), 415);
      client.socket.destroy();
    }
  }
});

/** One colour, so that very many pixels are few bytes. */
const flat = (width: number, height: number, format: 'png' | 'jpeg' = 'png'): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: '#345678' } })
    .toFormat(format)
    .toBuffer();

function form(files: readonly Uint8Array[]): FormData {
  const data = new FormData();
  for (const file of files) data.append('images', new Blob([new Uint8Array(file)]), 'x');
  return data;
}

test('the pixels of a request are bounded together, each image refused for itself', () =>
  withServer({ limits: { pixels: 1e6 } }, async ({ url }) => {
    const picture = await flat(1000, 900);
    const response = await fetch(`${url}/predict`, {
      method: 'POST',
      body: form([png, ...Array.from({ length: 6 }, () => picture), png]),
    });
    const { results } = (await response.json()) as { results: { error?: string }[] };
    const refused = 'the images have more than 4 megapixels together; send fewer in a request';
    assert.deepEqual(
      results.map(({ error }) => error),
      [undefined, ...Array(4).fill(undefined), refused, refused, undefined],
    );
  }));

test('pictures of a client that left are not decoded, and others do not wait for them', () =>
  withServer({ limits: { pixels: 16e6 } }, async ({ url }) => {
    const picture = await flat(4000, 3900, 'jpeg');
    // Starts the thread as well.
    assert.equal((await post(url, new Uint8Array(picture), { 'content-type': 'image/jpeg' })).status, 200);
    let begin = performance.now();
    assert.equal((await post(url, new Uint8Array(picture), { 'content-type': 'image/jpeg' })).status, 200);
    const one = performance.now() - begin;
    const leaving = Array.from({ length: 4 }, () => {
      const it = new AbortController();
      void fetch(`${url}/predict`, {
        method: 'POST',
        body: form([picture, picture, picture, picture]),
        signal: it.signal,
      }).catch(() => {});
      return it;
    });
    await sleep(150);
    for (const it of leaving) it.abort();
    await sleep(50);
    begin = performance.now();
    assert.equal((await post(url, new Uint8Array(picture), { 'content-type': 'image/jpeg' })).status, 200);
    const waited = performance.now() - begin;
    assert.ok(waited < 6 * one + 500, `${waited} ms, alone ${one} ms`);
  }));

test('decoding ends with the time a request may wait', () =>
  withServer({ limits: { queueSeconds: 0.2, pixels: 16e6 } }, async ({ url }) => {
    const picture = await flat(4000, 3900, 'jpeg');
    const begin = performance.now();
    const responses = await Promise.all(
      Array.from({ length: 4 }, () =>
        fetch(`${url}/predict`, { method: 'POST', body: form([picture, picture, picture, picture]) }),
      ),
    );
    assert.ok(performance.now() - begin < 2500, `${performance.now() - begin} ms`);
    for (const response of responses) {
      assert.equal(response.headers.get('retry-after'), '1');
      const [status, error] = await refusal(response);
      assert.equal(status, 503);
      assert.match(error, /waited too long for/);
    }
    // Small pictures have nothing to do with it.
    assert.equal((await post(url)).status, 200);
  }));

test('nothing is decoded for a queue that is full', async () => {
  const { metadata } = await loadServedModel(model);
  const full = {
    checkRoom: (images: number) => {
      throw new OverloadError(`no room for ${images}`);
    },
    run: () => assert.fail('it is not asked'),
  };
  const classifier = new ImagePipeline(metadata, full, 1e6);
  await assert.rejects(classifier.classify([Buffer.from('no image'), png], 5), /no room for 2/);
});

/** Milliseconds that the event loop may stand still, on a machine that others use as well. */
const STOOD = 700;

/**
 * @returns what `ask` gives, how long the event loop stood still meanwhile, and how long it took, in ms: the best of
 *   three where others wanted the cores
 */
async function watched<T>(
  ask: () => Promise<T>,
  left = 2,
): Promise<[result: T, stood: number, took: number]> {
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  await sleep(20);
  delay.reset();
  const begin = performance.now();
  const result = await ask();
  const took = performance.now() - begin;
  await sleep(20);
  delay.disable();
  const stood = delay.max / 1e6;
  return left > 0 && (stood >= STOOD || took >= 2000) ? watched(ask, left - 1) : [result, stood, took];
}

test('pictures of very many chunks or frames hold up neither the event loop nor a thread', async () => {
  const animation = await webpOfFrames(4200);
  const empty = pngChunk('IDAT', new Uint8Array(0));
  const text = pngChunk('tEXt', Buffer.from('a\0b'));
  const packed = pngChunk('zTXt', Buffer.concat([Buffer.from('a\0\0'), deflateSync('x')]));
  for (const [name, body] of Object.entries({
    empty: stuffedPng(empty, 29e6),
    text: stuffedPng(text, 29e6),
    packed: stuffedPng(packed, 29e6),
    sizes: stuffedPng(pngChunk('pHYs', new Uint8Array(9)), 29e6),
    animation,
  })) {
    const [response, stood, took] = await watched(() =>
      post(large.url, new Uint8Array(body), { 'content-type': 'application/octet-stream' }),
    );
    const [status, error] = await refusal(response);
    assert.equal(status, 422, name);
    assert.match(error, /image is cut into too many parts/);
    assert.ok(stood < STOOD, `${name}: ${stood} ms`);
    assert.ok(took < 2000, `${name}: ${took} ms`);
  }
  // Many of them in a form, each below what is decoded here.
  const part = stuffedPng(empty, 110_000);
  const [response, stood] = await watched(() =>
    fetch(`${large.url}/predict`, { method: 'POST', body: form(Array.from({ length: 250 }, () => part)) }),
  );
  assert.equal(response.status, 200);
  assert.ok(stood < STOOD, `${stood} ms`);
  // A large file with as many chunks as encoders make is none of them.
  const usual = stuffedPng(pngChunk('tEXt', Buffer.from(`a\0${'b'.repeat(8180)}`)), 3e6);
  assert.equal((await post(large.url, new Uint8Array(usual))).status, 200);
});

test('JSON that is nested very deep, or has very many keys, is refused at once', async () => {
  const deep = `${'['.repeat(8e6)}${']'.repeat(8e6)}`;
  const keys = `{${Array.from({ length: 2_000_000 }, (_, i) => `"k${i}":0`).join()}}`;
  const bodies = [
    ['/predict', `{"images":[${deep}]}`, /deeper than 32 levels/],
    ['/v2/models/resnet20/infer', `{"inputs":[{"data":${deep}}]}`, /deeper than 32 levels/],
    ['/v2/models/resnet20/infer', '['.repeat(9e6), /deeper than 32 levels/],
    ['/v2/models/resnet20/infer', '['.repeat(60_000), /deeper than 32 levels/],
    ['/predict', keys, /more than 10000 keys/],
    ['/v2/models/resnet20/infer', keys, /more than 10000 keys/],
  ] as const;
  for (const [path, body, message] of bodies) {
    const type = { 'content-type': 'application/json' };
    const [response, stood, took] = await watched(() => post(large.url, body, type, path));
    const [status, error] = await refusal(response);
    assert.equal(status, 400);
    assert.match(error, message);
    assert.ok(stood < STOOD && took < 2000, `${path}: ${stood} ms, ${took} ms`);
  }
});

test('brackets, colons and quotes in strings are no nesting', () => {
  const value = { 'a"b\\': ['['.repeat(100), '{":"'.repeat(50), '\\', '\\"', '"]'], b: [[[{ c: '\\\\"' }]]] };
  assert.deepEqual(readJson(Buffer.from(JSON.stringify(value)), '{}'), value);
  for (const text of ['"', '{"a', '"\\"', '["\\\\\\"]']) {
    assert.throws(() => readJson(Buffer.from(text), '{}'), /not valid JSON; send \{\}/);
  }
  const nested = (levels: number): Buffer => Buffer.from(`${'['.repeat(levels)}${']'.repeat(levels)}`);
  assert.doesNotThrow(() => readJson(nested(32), '{}'));
  assert.throws(() => readJson(nested(33), '{}'), /deeper than 32/);
});

test('forms of very many parts or headers are refused without being read to their end', async () => {
  const part = '--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nx\r\n';
  const field = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n';
  const headers = `--b\r\n${'a: b\r\n'.repeat(100_000)}\r\nx\r\n--b--\r\n`;
  for (const body of [part.repeat(350_000), field.repeat(350_000), headers, '--b\r\n'.repeat(4_000_000)]) {
    const [response, stood, took] = await watched(() =>
      post(large.url, body, { 'content-type': 'multipart/form-data; boundary=b' }),
    );
    const [status] = await refusal(response);
    assert.ok(status === 400 || status === 413, `${status}`);
    assert.ok(stood < STOOD && took < 2000, `${stood} ms, ${took} ms`);
  }
});

test('a download that is not read keeps no model running, and is cut off', async () => {
  const { metadata } = await loadServedModel(model);
  const graph = decodeModel(await readFile(model), model);
  // More than a connection holds by itself.
  const padded = async (name: string): Promise<void> => {
    const bytes = encodeModel(graph.graph, { ...encodeMetadata(metadata), padding: name.repeat(12_000_000) });
    await writeFile(join(folder, 'm.part'), bytes);
    await rename(join(folder, 'm.part'), join(folder, 'large.onnx'));
  };
  await padded('x');
  await withServer({ model: join(folder, 'large.onnx'), limits: { stallSeconds: 0.5 } }, async (it) => {
    const old = it.registry.resolve();
    const whole = new Uint8Array(await (await fetch(`${it.url}/models/resnet20.onnx`)).arrayBuffer());
    assert.deepEqual(Buffer.from(whole), Buffer.from(old.served.bytes));
    const size = (await fetch(`${it.url}/models/resnet20.onnx`, { method: 'HEAD' })).headers.get(
      'content-length',
    );
    assert.equal(size, String(whole.length));
    const client = new Client(it.url, 'GET /models/resnet20.onnx HTTP/1.1\r\nHost: x\r\n\r\n');
    client.socket.pause();
    await sleep(100);
    await padded('y');
    await it.registry.reload();
    await it.registry.reload();
    assert.notEqual(it.registry.resolve(), old);
    for (let i = 0; i < 20 && old.pool.ready; i++) await sleep(20);
    assert.ok(!old.pool.ready, 'the old model was stopped');
    await sleep(1000);
    client.socket.resume();
    await client.closed;
    assert.ok(client.received.length < whole.length, 'it was cut off');
  });
});

test('an answer that is not read is cut off, and keeps no model running', async () => {
  const { metadata } = await loadServedModel(model);
  const { graph } = decodeModel(await readFile(model), model);
  const labels = metadata.labels.map((_, i) => `${i}`.repeat(10_000));
  const path = join(folder, 'long.onnx');
  await writeFile(path, encodeModel(graph, encodeMetadata({ ...metadata, labels })));
  await withServer({ model: path, limits: { stallSeconds: 0.5 } }, async (it) => {
    const body = JSON.stringify({ images: Array(200).fill(Buffer.from(png).toString('base64')) });
    const client = new Client(
      it.url,
      'POST /predict?topk=10 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n' +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    client.socket.pause();
    const inFlight = async (): Promise<number> =>
      Number(/^http_requests_in_flight (\d+)/m.exec(await (await fetch(`${it.url}/metrics`)).text())?.[1]);
    await sleep(300);
    for (let i = 0; i < 100 && (await inFlight()) > 1; i++) await sleep(50);
    // The one that asks.
    assert.equal(await inFlight(), 1);
    client.socket.destroy();
  });
});
