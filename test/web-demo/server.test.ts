import assert from 'node:assert/strict';
import fs, { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request, type Server } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { UserError } from '../../core/errors.ts';
import type { RunsEvent } from '../../web-demo/page/runs/run-message.ts';
import { download } from '../../web-demo/page/worker/download.ts';
import { readModel } from '../../web-demo/page/worker/foreign.ts';
import { createDemoApp, type DemoAppOptions } from '../../web-demo/server/app.ts';
import { listen } from '../../web-demo/server/listen.ts';
import { ModelFiles } from '../../web-demo/server/model-files.ts';
import { PredictionServers } from '../../web-demo/server/prediction-servers.ts';
import { findTestSet, startDemo } from '../../web-demo/start.ts';
import { RED, redNet } from '../foreign/red-net.ts';
import { modelFile } from './fixtures.ts';

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
        light: 'net10',
        models: [
          { name: 'net9', bytes: 4, url: 'models/net9.onnx' },
          { name: 'net10', bytes: 3, url: 'models/net10.onnx' },
          { name: 'exports/mine', bytes: 5, url: 'models/exports/mine.onnx' },
        ],
        testSet: { url: 'data/cifar-100/test.bin', bytes: 10 },
      },
    );
  });

  it('offers a weak device nothing lighter than the model that was asked for', async () => {
    const { preferred, light } = await ModelFiles.open(root, 'net9');
    assert.deepEqual({ preferred, light }, { preferred: 'net9', light: undefined });
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

  it('sends what lies compressed beside a file to those that take it', async () => {
    const script = 'export const long = 1;\n'.repeat(400);
    await mkdir(path.join(root, 'dist/assets'));
    await writeFile(path.join(root, 'dist/assets/a.js'), script);
    await writeFile(path.join(root, 'dist/assets/a.js.br'), brotliCompressSync(script));
    await writeFile(path.join(root, 'dist/assets/a.js.gz'), gzipSync(script));
    for (const [accepted, encoding] of [
      ['gzip, deflate, br, zstd', 'br'],
      ['gzip, deflate', 'gzip'],
      ['br;q=0, gzip;q=0.5', 'gzip'],
      ['identity', null],
    ] as const) {
      const response = await fetch(`${url}assets/a.js?x=1`, { headers: { 'Accept-Encoding': accepted } });
      assert.equal(await response.text(), script);
      assert.equal(response.headers.get('Content-Encoding'), encoding, accepted);
      assert.match(response.headers.get('Content-Type') ?? '', /^text\/javascript/);
      assert.match(response.headers.get('Cache-Control') ?? '', /immutable/);
      assert.match(response.headers.get('Vary') ?? '', /Accept-Encoding/);
    }
    const part = await fetch(`${url}assets/a.js`, { headers: { Range: 'bytes=7-11' } });
    assert.equal(await part.text(), script.slice(7, 12));
    // The page itself has no compressed form here.
    assert.equal(
      await (await fetch(url, { headers: { 'Accept-Encoding': 'br' } })).text(),
      '<!doctype html>',
    );
    assert.equal((await fetch(`${url}assets/none.js`, { headers: { 'Accept-Encoding': 'br' } })).status, 404);
  });

  it('compresses models on their way', async () => {
    const bytes = 'weights '.repeat(9000);
    await writeFile(path.join(root, 'exports/long.onnx'), bytes);
    const ask = (headers: Record<string, string>) => fetch(`${url}models/exports/long.onnx`, { headers });
    const small = await ask({ 'Accept-Encoding': 'br' });
    assert.equal(small.headers.get('Content-Encoding'), 'br');
    assert.equal(await small.text(), bytes);
    // It is kept compressed, and another file of that name is another.
    const changed = 'changed '.repeat(9001);
    await writeFile(path.join(root, 'exports/long.onnx'), changed);
    for (let i = 0; i < 2; i++) assert.equal(await (await ask({ 'Accept-Encoding': 'br' })).text(), changed);
    await writeFile(path.join(root, 'exports/long.onnx'), bytes);
    assert.equal((await ask({ 'Accept-Encoding': 'identity' })).headers.get('Content-Length'), '72000');
    assert.equal(await (await ask({ Range: 'bytes=8-14' })).text(), 'weights');
    await rm(path.join(root, 'exports/long.onnx'));
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
      /port \d+ on \S+ is in use; choose another with --port/,
    );
  });
});

describe('a model of another program in the demo', () => {
  it('comes to the page as the files beside it say, which may change alone', async (t) => {
    const root = await mkdtemp(path.join(tmpdir(), 'demo-foreign-'));
    t.after(() => rm(root, { recursive: true, force: true }));
    const file = path.join(root, 'red.onnx');
    const json = path.join(root, 'red.json');
    await writeFile(file, redNet());
    await writeFile(json, JSON.stringify(RED));
    const models = await ModelFiles.open(root, file);
    await withApp({ models }, async (url) => {
      const index = await (await fetch(`${url}models/index.json`)).json();
      // A version of the model alone would be kept when its JSON file changes.
      assert.equal(index.models[0].url, 'models/red.onnx');
      const metadata = async () => {
        const response = await fetch(`${url}models/red.onnx`);
        assert.equal(response.headers.get('Cache-Control'), 'no-cache');
        const bytes = new Uint8Array(await response.arrayBuffer());
        return (
          await readModel(bytes, 'red.onnx', () =>
            assert.fail('the page takes it for one of another program'),
          )
        ).metadata;
      };
      const { labels, mean, std } = await metadata();
      assert.deepEqual(
        { labels, mean, std },
        { labels: RED.labels, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
      );
      await writeFile(json, JSON.stringify({ ...RED, mean: 0.25, labels: ['r', 'g', 'b'] }));
      const changed = await metadata();
      assert.deepEqual(
        [changed.labels, changed.mean],
        [
          ['r', 'g', 'b'],
          [0.25, 0.25, 0.25],
        ],
      );
      await rm(json);
      const refused = await fetch(`${url}models/red.onnx`);
      assert.equal(refused.status, 422);
      assert.match(
        await refused.text(),
        /^red\.onnx does not say how to prepare images for it; put that into red\.json/,
      );
      const page = download(`${url}models/red.onnx`, 'red', new AbortController().signal, () => undefined);
      await assert.rejects(page, /does not say how to prepare images/);
    });
  });

  it('may lie in a folder as Hugging Face has it', async (t) => {
    const root = await mkdtemp(path.join(tmpdir(), 'demo-foreign-'));
    t.after(() => rm(root, { recursive: true, force: true }));
    await mkdir(path.join(root, 'red-net/onnx'), { recursive: true });
    await writeFile(path.join(root, 'red-net/onnx/model.onnx'), redNet());
    const processor = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5], do_normalize: true };
    await writeFile(path.join(root, 'red-net/preprocessor_config.json'), JSON.stringify(processor));
    await writeFile(path.join(root, 'red-net/config.json'), JSON.stringify({ id2label: { ...RED.labels } }));
    const models = await ModelFiles.open(root, path.join(root, 'red-net'));
    assert.equal(models.preferred, 'red-net');
    const { metadata } = await models.adapted((await models.find('red-net'))!);
    assert.deepEqual([metadata.labels, metadata.mean], [RED.labels, [0.5, 0.5, 0.5]]);
  });

  it('is refused at the start where nothing says how to prepare images', async (t) => {
    const root = await mkdtemp(path.join(tmpdir(), 'demo-foreign-'));
    t.after(() => rm(root, { recursive: true, force: true }));
    const model = path.join(root, 'red.onnx');
    await writeFile(model, redNet());
    await assert.rejects(
      startDemo({ model, port: 0, host: '127.0.0.1' }),
      /red\.onnx does not say how to prepare images for it/,
    );
  });
});

/** What a server answers to a request for `path` that names `host`. */
function statusFor(url: string, host: string, path = ''): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}${path}`, { headers: { host }, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    asked.on('error', reject);
    asked.end();
  });
}

async function withApp(
  options: Partial<DemoAppOptions>,
  body: (url: string) => Promise<void>,
): Promise<void> {
  const root = await mkdtemp(path.join(tmpdir(), 'demo-app-'));
  await mkdir(path.join(root, 'models'));
  await writeFile(path.join(root, 'models/net.onnx'), 'net');
  await writeFile(path.join(root, 'index.html'), '<!doctype html>');
  const app = createDemoApp({ dist: root, models: await ModelFiles.open(root), ...options });
  const { server, url } = await listen(app, 0, '127.0.0.1');
  try {
    await body(url);
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(root, { recursive: true, force: true });
  }
}

describe('the names that the demo answers to', () => {
  const loopback = ['localhost', 'LocalHost:80', '127.0.0.1:5173', '127.8.9.1', '[::1]:80', 'a.localhost'];
  const foreign = [
    'evil.example',
    'evil.example:5173',
    'localhost.evil.example',
    '127.0.0.1.nip.io',
    'a b',
    '@',
  ];

  it('are those of loopback, for every address', () =>
    withApp({ runs: tmpdir() }, async (url) => {
      for (const host of loopback) assert.equal(await statusFor(url, host), 200, host);
      for (const host of [...foreign, '192.168.1.5', '[fe80::1]']) {
        for (const at of [
          '',
          'models/index.json',
          'models/net.onnx',
          'runs/stream',
          'data/cifar-100/test.bin',
        ]) {
          assert.equal(await statusFor(url, host, at), 403, `${host} ${at}`);
        }
      }
    }));

  it('are also its addresses, if others reach it, and what it was told', () =>
    withApp({ host: '0.0.0.0', allowHosts: ['Demo.Example'] }, async (url) => {
      for (const host of [...loopback, '192.168.1.5:80', '[fe80::1]', 'demo.example:443']) {
        assert.equal(await statusFor(url, host), 200, host);
      }
      for (const host of foreign) assert.equal(await statusFor(url, host), 403, host);
    }));
});

/** Reads events of the stream of training runs. */
class Stream {
  readonly #abort = new AbortController();
  readonly events: RunsEvent[] = [];
  status = 0;

  async open(url: string): Promise<this> {
    const response = await fetch(`${url}runs/stream`, { signal: this.#abort.signal });
    this.status = response.status;
    void this.#read(response).catch(() => undefined);
    return this;
  }

  async #read(response: Response): Promise<void> {
    let text = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const parts = text.split('\n\n');
      text = parts.pop()!;
      for (const part of parts) {
        const data = /^event: runs\ndata: (.*)$/.exec(part)?.[1];
        if (data !== undefined) this.events.push(JSON.parse(data) as RunsEvent);
      }
    }
  }

  async has(count: number): Promise<void> {
    for (let i = 0; i < 500 && this.events.length < count; i++) await sleep(10);
    assert.equal(this.events.length, count);
  }

  close(): void {
    this.#abort.abort();
  }
}

describe('the stream of training runs', () => {
  const writeRun = async (root: string, name: string): Promise<void> => {
    await mkdir(path.join(root, name), { recursive: true });
    await writeFile(path.join(root, name, 'log.jsonl'), '');
    await writeFile(
      path.join(root, name, 'config.json'),
      JSON.stringify({ model: 'resnet20', dataset: 'cifar100', epochs: 1 }),
    );
  };

  it('looks at the folder once for all pages, and tells each of them everything', async (t) => {
    const root = await mkdtemp(path.join(tmpdir(), 'demo-runs-'));
    t.after(() => rm(root, { recursive: true, force: true }));
    for (const name of ['a', 'b']) await writeRun(root, name);
    await withApp({ runs: root }, async (url) => {
      const looks = t.mock.method(fs, 'readdir');
      syncBuiltinESMExports();
      const streams = await Promise.all(Array.from({ length: 40 }, () => new Stream().open(url)));
      for (const stream of streams) await stream.has(1);
      await sleep(2200);
      await writeRun(root, 'c');
      for (const stream of streams) await stream.has(2);
      // The root, in each of the seconds since; for every page it would be a hundred times and more.
      const count = looks.mock.calls.filter(({ arguments: [at] }) => at === root).length;
      looks.mock.restore();
      syncBuiltinESMExports();
      assert.ok(count >= 2 && count <= 12, `${count} looks`);
      for (const { events } of streams) {
        assert.deepEqual(events[0]!.all.map((at) => path.basename(at)).sort(), ['a', 'b']);
        assert.equal(events[0]!.changed.length, 2);
        assert.deepEqual(
          events[1]!.changed.map(({ summary }) => path.basename(summary.path)),
          ['c'],
        );
        assert.equal(events[1]!.all.length, 3);
      }
      // One that comes later has what the others have.
      const late = await new Stream().open(url);
      await late.has(1);
      assert.equal(late.events[0]!.changed.length, 3);
      await rm(path.join(root, 'a'), { recursive: true });
      await late.has(2);
      assert.deepEqual([late.events[1]!.changed.length, late.events[1]!.all.length], [0, 2]);
      for (const stream of [...streams, late]) stream.close();
      // After a while without pages.
      await sleep(100);
      await writeRun(root, 'd');
      const again = await new Stream().open(url);
      await again.has(1);
      assert.equal(again.events[0]!.all.length, 3);
      again.close();
    });
  });

  it('has an end to how many follow it', async () => {
    await withApp({ runs: path.join(tmpdir(), 'no-such-runs') }, async (url) => {
      const streams = await Promise.all(Array.from({ length: 256 }, () => new Stream().open(url)));
      assert.deepEqual([...new Set(streams.map(({ status }) => status))], [200]);
      assert.equal((await new Stream().open(url)).status, 503);
      for (const stream of streams) stream.close();
      let next = await new Stream().open(url);
      for (let i = 0; i < 100 && next.status === 503; i++) {
        await sleep(20);
        next = await new Stream().open(url);
      }
      assert.equal(next.status, 200);
      await next.has(1);
      next.close();
    });
  });
});

describe("the demo's predictions", () => {
  it('pass refusals on, and what a client that left asked is given up', async (t) => {
    const root = await mkdtemp(path.join(tmpdir(), 'demo-predict-'));
    t.after(() => rm(root, { recursive: true, force: true }));
    const models = await ModelFiles.open(root, await modelFile(root));
    const servers = new PredictionServers();
    t.after(() => servers.close());
    await withApp({ models, servers }, async (url) => {
      const at = `${url}predict/${encodeURIComponent(models.preferred)}`;
      const post = (body: Uint8Array<ArrayBuffer>, headers = {}) =>
        fetch(at, { method: 'POST', body, headers: { 'content-type': 'image/png', ...headers } });
      for (const [site, status] of Object.entries({ 'cross-site': 403, 'same-origin': 415, none: 415 })) {
        assert.equal((await post(new Uint8Array(10), { 'sec-fetch-site': site })).status, status, site);
      }
      const packed = await post(new Uint8Array(10), { 'content-encoding': 'gzip' });
      assert.match(((await packed.json()) as { error: string }).error, /compressed bodies are not taken/);
      const large = await post(new Uint8Array(11_000_000));
      assert.ok(large.status === 413 || large.status === 502, `${large.status}`);
      // The server behind answers nobody else.
      const model = (await models.find(models.preferred))!;
      const behind = await servers.addressFor(model.file, model.version);
      assert.equal((await fetch(`${behind}/models`)).status, 401);
      assert.equal((await post(new Uint8Array(10))).status, 415);
    });
  });
});
