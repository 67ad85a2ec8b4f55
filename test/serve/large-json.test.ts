import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Refusal } from '../../core/errors.ts';
import { readJsonImages } from '../../serve/http/json-images.ts';
import { DEFAULT_LIMITS } from '../../serve/http/limits.ts';
import { type RunningServer, startServer } from '../../serve/server.ts';
import { parseInfer } from '../../serve/v2/infer-request.ts';
import { noisePng } from './support/images.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

const HEADER = 'Inference-Header-Content-Length';
/** Far more than the JSON of a request that is read in the main thread. */
const LARGE = 500_000;
let server: RunningServer;

before(async () => {
  const { path } = await writeTestModel(await temporaryFolder());
  server = await startServer({ model: path, port: 0, inference: { threads: 1 }, demoDirectory: false });
});

after(() => server.close());

async function infer(body: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${server.url}/v2/models/resnet20/infer`, { method: 'POST', body, headers });
}

const values = (images: number): Float32Array =>
  Float32Array.from({ length: images * 3072 }, (_, i) => Math.fround(Math.sin(i)));

const request = (images: number, data: unknown, extra: object = {}): string =>
  JSON.stringify({
    inputs: [{ name: 'input', shape: [images, 3, 32, 32], datatype: 'FP32', data }],
    ...extra,
  });

test('large JSON is read beside the main thread, with the same result', async (t) => {
  const { images } = DEFAULT_LIMITS;
  const input = values(images);
  // As many digits as the largest body has room for.
  const text = request(
    images,
    Array.from(input, (value) => Number(value.toPrecision(8))),
  );
  assert.ok(text.length > LARGE && text.length <= DEFAULT_LIMITS.bodyBytes, `${text.length}`);
  const small = request(1, [...values(1)]);
  const raw = await infer(new Uint8Array(input.buffer as ArrayBuffer), { [HEADER]: '0' });
  const both = new Float32Array((await raw.arrayBuffer()).slice(Number(raw.headers.get(HEADER))));
  // The probabilities come after the logits.
  const want = both.subarray(0, both.length / 2);

  const parse = t.mock.method(JSON, 'parse');
  const answers = await Promise.all([text, small, text, small, text].map((body) => infer(body)));
  const lengths = parse.mock.calls.map(({ arguments: [read] }) => read.length);
  parse.mock.restore();
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200, 200],
  );
  // This is the server's main thread too.
  assert.equal(lengths.filter((length) => length === small.length).length, 2);
  assert.ok(Math.max(...lengths) < LARGE, `${lengths}`);

  for (const [i, answer] of answers.entries()) {
    const { outputs } = (await answer.json()) as { outputs: { data: number[] }[] };
    const { data } = outputs[0]!;
    assert.equal(data.length, i % 2 === 0 ? want.length : 10);
    for (const [at, value] of data.entries()) {
      assert.ok(Math.abs(value - want[at]!) < 1e-3, `${i}, ${at}: ${value} for ${want[at]}`);
    }
  }
});

test('large requests that are wrong get the refusals of small ones', async () => {
  const size = { height: 32, width: 32, maxImages: DEFAULT_LIMITS.images };
  const data = [...values(1)];
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const bodies = [
    '{"inputs":',
    '{}',
    request(1, [...data, 0]),
    request(1, [null, ...data.slice(1)]),
    request(1, [1e300, ...data.slice(1)]),
    request(2, data),
    request(1, [[], data]),
    request(DEFAULT_LIMITS.images + 1, data),
    request(1, data, { parameters: [] }),
    request(1, data, { outputs: [{ name: 'x' }] }),
    request(1, data).replace('[0,', `[${deep},`),
    `{"inputs":[{"name":"input","shape":[1,3,32,32],"datatype":"FP32","data":[0,${deep}${',0'.repeat(3070)}]}]}`,
  ];
  for (const body of bodies) {
    // Spaces make it large, and nothing else.
    const padded = `${' '.repeat(LARGE)}${body}`;
    let expected: unknown;
    try {
      parseInfer(Buffer.from(padded), undefined, size);
    } catch (error) {
      expected = error;
    }
    assert.ok(expected instanceof Refusal, `${body.slice(0, 200)}: ${expected}`);
    const response = await infer(padded);
    assert.deepEqual(
      [response.status, await response.json()],
      [expected.status, { error: expected.message }],
    );
  }
});

async function predict(body: string, contentType = 'application/json'): Promise<[number, unknown]> {
  const headers = { 'content-type': contentType };
  const response = await fetch(`${server.url}/predict`, { method: 'POST', body, headers });
  return [response.status, await response.json()];
}

test('large JSON of images is read beside the main thread, with the same result', async (t) => {
  const image = Buffer.from(await noisePng(1)).toString('base64');
  const [, alone] = await predict(JSON.stringify({ image }));
  const { predictions } = alone as { predictions: unknown };

  const parse = t.mock.method(JSON, 'parse');
  const padding = ' '.repeat(LARGE);
  const [status, answer] = await predict(
    `${padding}${JSON.stringify({ images: [image, 'no base64!', image] })}`,
  );
  const lengths = parse.mock.calls.map(({ arguments: [read] }) => read.length);
  parse.mock.restore();
  assert.equal(status, 200);
  assert.ok(Math.max(0, ...lengths) < LARGE, `${lengths}`);
  assert.deepEqual((answer as { results: unknown }).results, [
    { predictions },
    { error: 'the image is not valid base64' },
    { predictions },
  ]);
});

test('large JSON without images gets the refusals of small', async () => {
  for (const body of [
    '{"image":',
    '[]',
    '{}',
    '"a"',
    '{"image": 1}',
    '{"image": "?"}',
    '{"images": []}',
    JSON.stringify({ images: Array(DEFAULT_LIMITS.images + 1).fill('') }),
  ]) {
    let expected: unknown;
    try {
      readJsonImages(Buffer.from(body), DEFAULT_LIMITS.images);
    } catch (error) {
      expected = error;
    }
    assert.ok(expected instanceof Refusal, `${body.slice(0, 100)}: ${expected}`);
    const refusal = [expected.status, { error: expected.message }];
    assert.deepEqual(await predict(body), refusal);
    assert.deepEqual(await predict(`${' '.repeat(LARGE)}${body}`), refusal);
  }
  assert.deepEqual(await predict('{}', 'application/json; charset=utf-16'), [
    415,
    { error: 'JSON is in UTF-8; leave out the charset' },
  ]);
});
