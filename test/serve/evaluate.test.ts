import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { ImageDataset } from '../../core/data/dataset.ts';
import { chosenImages } from '../../core/data/hold-out.ts';
import { makeSynthetic } from '../../core/data/synthetic.ts';
import { UserError } from '../../core/errors.ts';
import { ClassificationMetrics } from '../../core/metrics/classification-metrics.ts';
import { InferenceClient } from '../../serve/evaluate/client.ts';
import {
  evaluateServer,
  MistakeList,
  percentile,
  summarizeLatencies,
} from '../../serve/evaluate/evaluate-server.ts';
import { htmlReport } from '../../serve/evaluate/html-report.ts';
import { type RunningServer, startServer } from '../../serve/server.ts';
import { directLogits } from './support/direct.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

let dataset: ImageDataset;
let server: RunningServer;
let modelPath: string;

before(async () => {
  dataset = makeSynthetic({ test: 150, splits: ['test'] });
  ({ path: modelPath } = await writeTestModel(await temporaryFolder(), dataset));
  server = await startServer({ model: modelPath, port: 0, inference: { threads: 1 }, demoDirectory: false });
});

after(() => server.close());

const fails = (promise: Promise<unknown>, message: RegExp): Promise<void> =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, message);
    return true;
  });

test('counts without some of the images too, apart from the main figures', async () => {
  const whole = await evaluateServer({ server: server.url, dataset });
  const leaveOut = new Set([0, 70, 149]);
  const { withoutDuplicates, ...rest } = await evaluateServer({ server: server.url, dataset, leaveOut });
  assert.deepEqual([rest.images, rest.top1Correct], [150, whole.top1Correct]);
  assert.equal(whole.withoutDuplicates, undefined);
  const test = chosenImages(dataset.test, (index) => !leaveOut.has(index));
  const others = await evaluateServer({ server: server.url, dataset: { ...dataset, test } });
  const { images, top1, top5, top1Correct, top5Correct } = others;
  assert.deepEqual(withoutDuplicates, { images, top1, top5, top1Correct, top5Correct, leftOut: 3 });
  const html = await htmlReport({ ...rest, withoutDuplicates: withoutDuplicates! }, dataset);
  assert.match(html, /without the 3 test images that stand in the training set/);
});

test('counts what a direct evaluation counts', async () => {
  const pixels = 32 * 32;
  const images = Array.from({ length: dataset.test.count }, (_, n) =>
    Uint8Array.from({ length: 3 * pixels }, (_, i) => {
      return dataset.test.images[n * 3 * pixels + (i % 3) * pixels + Math.floor(i / 3)]!;
    }),
  );
  const metrics = new ClassificationMetrics(dataset.labels.length);
  metrics.add(
    await directLogits(modelPath, dataset.normalization, images),
    dataset.test.labels,
    images.length,
  );
  const { images: count, top1, top5, top1Correct, top5Correct } = metrics.result();

  const progress: number[] = [];
  const result = await evaluateServer({
    server: `${server.url}/`,
    dataset,
    batchSize: 32,
    concurrency: 3,
    onProgress: ({ done, total }) => {
      assert.equal(total, 150);
      progress.push(done);
    },
  });
  const { seconds, imagesPerSecond, latencyMs, matrix, mistakes, ...counts } = result;
  assert.deepEqual(counts, {
    images: count,
    top1,
    top5,
    top1Correct,
    top5Correct,
    model: 'resnet20',
    version: 1,
    batchSize: 32,
    concurrency: 3,
    retries: 0,
  });
  assert.ok(latencyMs.p50 > 0 && latencyMs.p50 <= latencyMs.p99 && latencyMs.p99 <= latencyMs.max);
  assert.ok(Math.abs(matrix.accuracy() - top1) < 1e-12);
  assert.equal(mistakes.length, Math.min(60, count - top1Correct));
  assert.ok(mistakes.every(({ label, predictions }) => predictions[0]!.index !== label));
  const html = await htmlReport(result, dataset);
  assert.equal(html.match(/<img /g)!.length, mistakes.length);
  assert.match(html, /<svg /);
  assert.doesNotMatch(html, /(?:src|href)="(?!data:)/);
  assert.ok(top5Correct > 0, 'some are right by chance, so equality says something');
  assert.ok(seconds > 0 && imagesPerSecond > 0);
  assert.equal(progress.length, 5);
  assert.equal(progress.at(-1), 150);
});

test('a limit and a last batch of one image', async () => {
  const result = await evaluateServer({ server: server.url, dataset, batchSize: 4, limit: 9 });
  assert.equal(result.images, 9);
});

test('other labels are refused', async () => {
  const { labels } = dataset;
  await fails(
    evaluateServer({ server: server.url, dataset: { ...dataset, labels: labels.slice(1) } }),
    /has 100 classes but synthetic has 99/,
  );
  await fails(
    evaluateServer({ server: server.url, dataset: { ...dataset, labels: ['other', ...labels.slice(1)] } }),
    /class 0 of the server's model is ".+" but that of synthetic is "other"/,
  );
});

test('a dataset without test images is refused', async () => {
  const test = { count: 0, images: new Uint8Array(0), labels: new Uint16Array(0) };
  await fails(evaluateServer({ server: server.url, dataset: { ...dataset, test } }), /no test images/);
});

test('a bad address and an unreachable server are one clear line', async () => {
  for (const url of ['localhost:8080', 'ftp://x', ''])
    assert.throws(() => new InferenceClient(url), UserError);
  const { port, close } = await listen(() => {});
  close();
  await fails(
    evaluateServer({ server: `http://127.0.0.1:${port}`, dataset }),
    /no server answers.*npm run serve/,
  );
});

test('another kind of server is told apart', async () => {
  const web = await listen((_req, res) => res.end('<html>'));
  await fails(
    evaluateServer({ server: `http://127.0.0.1:${web.port}`, dataset }),
    /did not answer with JSON/,
  );
  web.close();
  const api = await listen((_req, res) => res.end('{"hello":1}'));
  await fails(evaluateServer({ server: `http://127.0.0.1:${api.port}`, dataset }), /check the address/);
  api.close();
});

test('what may pass is retried, a refusal is not', async () => {
  let calls = 0;
  const answers: [number, string][] = [
    [503, '{"error":"loading"}'],
    [500, 'oops'],
    [200, '{"results":[{"predictions":[{"index":1,"probability":1}]}]}'],
  ];
  const flaky = await listen((_req, res) => {
    const [status, body] = answers[Math.min(calls++, 2)]!;
    res.writeHead(status).end(body);
  });
  const client = new InferenceClient(`http://127.0.0.1:${flaky.port}`);
  const [result] = await client.predict([new Uint8Array(3)], 1);
  assert.ok(result && 'predictions' in result);
  assert.equal(calls, 3);
  flaky.close();

  let refusals = 0;
  const strict = await listen((_req, res) => {
    refusals++;
    res.writeHead(413).end('{"error":"too many images"}');
  });
  await fails(
    new InferenceClient(`http://127.0.0.1:${strict.port}`).predict([new Uint8Array(3)], 1),
    /answered 413: too many images/,
  );
  assert.equal(refusals, 1);
  strict.close();
});

async function listen(handler: RequestListener): Promise<{ port: number; close: () => void }> {
  const other = createServer((req, res) => {
    req.resume();
    handler(req, res);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  return {
    port: (other.address() as AddressInfo).port,
    close: () => {
      other.close();
      other.closeAllConnections();
    },
  };
}

test('a server that is restarted half way loses nothing', async () => {
  const options = { model: modelPath, inference: { threads: 1 }, demoDirectory: false } as const;
  let restarted = await startServer({ ...options, port: 0 });
  const port = Number(new URL(restarted.url).port);
  let restart: Promise<void> | undefined;
  try {
    const result = await evaluateServer({
      server: restarted.url,
      dataset,
      batchSize: 10,
      onProgress: () => {
        restart ??= restarted.close().then(async () => {
          restarted = await startServer({ ...options, port });
        });
      },
    });
    await restart;
    assert.equal(result.images, 150);
    assert.ok(result.retries > 0);
    const undisturbed = await evaluateServer({ server: server.url, dataset, batchSize: 10 });
    assert.deepEqual(
      [result.top1Correct, result.top5Correct],
      [undisturbed.top1Correct, undisturbed.top5Correct],
    );
  } finally {
    await restarted.close();
  }
});

test('a server that does not come back ends the evaluation with one line', async () => {
  const gone = await startServer({
    model: modelPath,
    port: 0,
    inference: { threads: 1 },
    demoDirectory: false,
  });
  await fails(
    evaluateServer({
      server: gone.url,
      dataset,
      batchSize: 10,
      patienceSeconds: 1,
      onProgress: () => void gone.close(),
    }),
    /no server answers|cannot be reached/,
  );
});

test('latencies by nearest rank, mistakes by certainty', () => {
  const sorted = Float64Array.from({ length: 100 }, (_, i) => i + 1);
  assert.deepEqual(
    [0, 0.5, 0.9, 0.99, 1].map((fraction) => percentile(sorted, fraction)),
    [1, 50, 90, 99, 100],
  );
  assert.deepEqual(summarizeLatencies([3, 1, 2]), { mean: 2, p50: 2, p90: 3, p99: 3, max: 3 });
  const list = new MistakeList();
  for (let image = 0; image < 1000; image++) {
    const index = image % 3;
    list.add({ image, label: 0, predictions: [{ index, probability: ((image * 37) % 1000) / 1000 }] });
  }
  const worst = list.worst();
  const expected = Array.from({ length: 1000 }, (_, image) => image)
    .filter((image) => image % 3 !== 0)
    .sort((a, b) => ((b * 37) % 1000) - ((a * 37) % 1000))
    .slice(0, 60);
  assert.deepEqual(
    worst.map(({ image }) => image),
    expected,
  );
});
