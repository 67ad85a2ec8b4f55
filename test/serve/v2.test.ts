import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { softmax } from '../../core/metrics/softmax.ts';
import type { ClassifierMetadata } from '../../core/model-metadata.ts';
import { Normalizer } from '../../core/preprocess/normalize.ts';
import { type RunningServer, startServer } from '../../serve/server.ts';
import { directLogits } from './support/direct.ts';
import { noise } from './support/images.ts';
import { temporaryFolder, writeTestModel } from './support/test-model.ts';

const INFER = '/v2/models/resnet20/infer';
const HEADER = 'Inference-Header-Content-Length';
let server: RunningServer;
let metadata: ClassifierMetadata;
/** Two images, and what the model says of them without the server. */
let input: Float32Array;
let want: Float32Array;

before(async () => {
  const written = await writeTestModel(await temporaryFolder());
  metadata = written.metadata;
  server = await startServer({
    model: written.path,
    port: 0,
    inference: { threads: 1 },
    limits: { images: 4, bodyBytes: 500_000 },
    demoDirectory: false,
  });
  const images = [noise(1), noise(2)];
  input = new Float32Array(2 * 3072);
  const normalizer = new Normalizer(metadata);
  images.forEach((image, i) => {
    normalizer.interleaved(image, 3, input, i * 3072, 1024);
  });
  want = await directLogits(written.path, metadata, images);
});

after(() => server.close());

interface Output {
  name: string;
  shape: number[];
  datatype: string;
  data?: (number | string)[];
  parameters?: { binary_data_size: number };
}
interface Answer {
  error?: string;
  model_name: string;
  model_version: string;
  id?: string;
  outputs: Output[];
}

async function post(
  body: BodyInit,
  headers: Record<string, string> = {},
  path = INFER,
): Promise<{ status: number; json: Answer; rest: Buffer; headers: Headers }> {
  const response = await fetch(server.url + path, { method: 'POST', body, headers });
  const bytes = Buffer.from(await response.arrayBuffer());
  const length = Number(response.headers.get(HEADER) ?? bytes.length);
  return {
    status: response.status,
    json: JSON.parse(bytes.subarray(0, length).toString()),
    rest: bytes.subarray(length),
    headers: response.headers,
  };
}

const tensor = (extra: object = {}): object => ({
  name: 'input',
  shape: [2, 3, 32, 32],
  datatype: 'FP32',
  ...extra,
});
const jsonRequest = (extra: object = {}): string =>
  JSON.stringify({ inputs: [tensor({ data: [...input] })], ...extra });

function binaryRequest(
  bytes: Uint8Array,
  request: object = {},
  size = bytes.length,
): [BodyInit, Record<string, string>] {
  const head = Buffer.from(
    JSON.stringify({ inputs: [tensor({ parameters: { binary_data_size: size } })], ...request }),
  );
  return [new Uint8Array(Buffer.concat([head, bytes])), { [HEADER]: String(head.length) }];
}

const rows = (values: Float32Array): Float32Array[] => [values.subarray(0, 10), values.subarray(10)];
const bytesOf = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer.slice(0));

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    assert.ok(Math.abs(actual[i]! - expected[i]!) < 1e-4, `${i}: ${actual[i]} for ${expected[i]}`);
  }
}

test('numbers, flat and nested, give the logits', async () => {
  const nested = [0, 1].map((n) =>
    [0, 1, 2].map((c) =>
      Array.from({ length: 32 }, (_, y) => {
        const from = ((n * 3 + c) * 32 + y) * 32;
        return [...input.subarray(from, from + 32)];
      }),
    ),
  );
  for (const body of [
    jsonRequest({ id: 'abc' }),
    jsonRequest({ id: 'abc', inputs: [tensor({ data: nested })] }),
  ]) {
    const { status, json } = await post(body);
    assert.equal(status, 200, json.error);
    const { outputs, ...head } = json;
    assert.deepEqual(head, { model_name: 'resnet20', model_version: '1', id: 'abc' });
    assert.deepEqual(
      [outputs[0]!.name, outputs[0]!.datatype, outputs[0]!.shape],
      ['logits', 'FP32', [2, 10]],
    );
    assert.equal(outputs[1]!.name, 'probabilities');
    assertClose(outputs[0]!.data as number[], want);
  }
});

test('null is nothing, and values of extensions may be anything', async () => {
  const nothing = { id: null, parameters: null, outputs: null };
  const data = [...input];
  for (const body of [
    jsonRequest(nothing),
    jsonRequest({ ...nothing, inputs: [tensor({ data, parameters: null })] }),
    jsonRequest({ outputs: [] }),
    jsonRequest({ parameters: { trace: { deep: [1, null] }, list: [1], none: null, priority: 1 } }),
    jsonRequest({ inputs: [tensor({ data, parameters: { shared_memory_region: null, a: { b: 1 } } })] }),
    jsonRequest({ outputs: ['logits', 'probabilities'].map((name) => ({ name, parameters: null })) }),
    jsonRequest({
      outputs: ['logits', 'probabilities'].map((name) => ({
        name,
        parameters: { binary_data: null, classification: null, shared_memory_region: null },
      })),
    }),
  ]) {
    const { status, json } = await post(body);
    assert.equal(status, 200, json.error);
    assert.equal('id' in json, false);
    assert.deepEqual(
      json.outputs.map(({ name }) => name),
      ['logits', 'probabilities'],
    );
    assertClose(json.outputs[0]!.data as number[], want);
  }
  const binary = await post(
    ...binaryRequest(bytesOf(input), {
      inputs: [tensor({ data: null, parameters: { binary_data_size: 24_576 } })],
    }),
  );
  assert.equal(binary.status, 200, binary.json.error);
});

test('classes as bytes are texts with their lengths', async () => {
  const outputs = [
    { name: 'probabilities', parameters: { classification: 3, binary_data: true } },
    { name: 'logits', parameters: { classification: 99, binary_data: true } },
  ];
  const { status, json, rest } = await post(jsonRequest({ outputs }));
  assert.equal(status, 200, json.error);
  assert.deepEqual(
    json.outputs.map(({ datatype, shape }) => [datatype, shape]),
    [
      ['BYTES', [2, 3]],
      ['BYTES', [2, 10]],
    ],
  );
  assert.equal(json.outputs[0]!.data, undefined);
  const sizes = json.outputs.map(({ parameters }) => parameters!.binary_data_size);
  assert.equal(sizes[0]! + sizes[1]!, rest.length);
  const texts = readTexts(rest.subarray(0, sizes[0]));
  assert.equal(texts.length, 6);
  for (const [image, row] of rows(want).entries()) {
    const best = row.indexOf(Math.max(...row));
    const [score, index, label] = texts[3 * image]!.split(':');
    assert.deepEqual([Number(index), label], [best, `class ${best}`]);
    assert.ok(Math.abs(Number(score) - softmax(row)[best]!) < 1e-4);
  }
  assert.equal(readTexts(rest.subarray(sizes[0])).length, 20);
});

function readTexts(bytes: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    texts.push(bytes.toString('utf8', at + 4, at + 4 + length));
    at += 4 + length;
  }
  return texts;
}

test('bytes in and bytes out', async () => {
  const parameters = { binary_data_output: true };
  const { status, json, rest, headers } = await post(...binaryRequest(bytesOf(input), { parameters }));
  assert.equal(status, 200, json.error);
  assert.equal(headers.get('content-type'), 'application/octet-stream');
  const both = ['logits', 'probabilities'].map((name) => ({
    ...{ name, datatype: 'FP32', shape: [2, 10], parameters: { binary_data_size: 80 } },
  }));
  assert.deepEqual(json.outputs, both);
  const all = [...want, ...rows(want).flatMap((row) => [...softmax(row)])];
  assertClose(new Float32Array(new Uint8Array(rest).buffer), all);
  // Bytes in, numbers out.
  const mixed = await post(...binaryRequest(bytesOf(input)));
  assert.equal(mixed.status, 200, mixed.json.error);
  assertClose(mixed.json.outputs[0]!.data as number[], want);
  // A tensor alone.
  const raw = await post(new Uint8Array(bytesOf(input)), { [HEADER]: '0' });
  assert.equal(raw.status, 200, raw.json.error);
  assert.deepEqual(raw.json.outputs, both);
  assertClose(new Float32Array(new Uint8Array(raw.rest).buffer), all);
});

test('outputs are given as asked: several, as bytes, as classes', async () => {
  const { json, rest } = await post(
    jsonRequest({
      outputs: [
        { name: 'probabilities', parameters: { binary_data: true } },
        { name: 'logits', parameters: { classification: 2 } },
      ],
    }),
  );
  const [probabilities, classes] = json.outputs;
  assert.deepEqual(probabilities!.parameters, { binary_data_size: 80 });
  const expected = [softmax(want.subarray(0, 10)), softmax(want.subarray(10))].flatMap((row) => [...row]);
  assertClose(new Float32Array(new Uint8Array(rest).buffer), expected);
  assert.deepEqual([classes!.datatype, classes!.shape], ['BYTES', [2, 2]]);
  const best = want.indexOf(Math.max(...want.subarray(0, 10)));
  const [score, index, ...label] = String(classes!.data![0]).split(':');
  assert.deepEqual([Number(index), label.join(':')], [best, `class ${best}`]);
  assert.ok(Math.abs(Number(score) - want[best]!) < 1e-4);
});

test('health, server and model metadata', async () => {
  const get = async (path: string): Promise<unknown> => (await fetch(server.url + path)).json();
  assert.deepEqual(await get('/v2/health/live'), { live: true });
  assert.deepEqual(await get('/v2/health/ready'), { ready: true });
  assert.deepEqual(((await get('/v2')) as { extensions: string[] }).extensions[0], 'binary_tensor_data');
  const output = { datatype: 'FP32', shape: [-1, 10] };
  const model = {
    name: 'resnet20',
    versions: ['1'],
    platform: 'onnxruntime_onnx',
    inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 3, 32, 32] }],
    outputs: [
      { name: 'logits', ...output },
      { name: 'probabilities', ...output },
    ],
  };
  for (const path of ['resnet20', 'resnet20/versions/1', 'resnet20/versions/latest', 'resnet20@1']) {
    assert.deepEqual(await get(`/v2/models/${path}`), model);
    assert.deepEqual(await get(`/v2/models/${path}/ready`), { name: 'resnet20', ready: true });
    assert.equal((await post(jsonRequest(), {}, `/v2/models/${path}/infer`)).status, 200);
  }
  for (const path of ['other', 'resnet20/versions/2', 'resnet20/versions/x', 'resnet20@', '..%2f']) {
    for (const suffix of ['', '/ready']) {
      assert.equal((await fetch(`${server.url}/v2/models/${path}${suffix}`)).status, 404, path);
    }
  }
});

test("what Triton's client asks beside the protocol: configuration, statistics, index", async () => {
  const get = async (path: string): Promise<unknown> => (await fetch(server.url + path)).json();
  const output = { data_type: 'TYPE_FP32', dims: [10] };
  for (const path of ['resnet20', 'resnet20/versions/1']) {
    assert.deepEqual(await get(`/v2/models/${path}/config`), {
      ...{ name: 'resnet20', platform: 'onnxruntime_onnx', backend: 'onnxruntime', max_batch_size: 4 },
      version_policy: { specific: { versions: [1] } },
      input: [{ name: 'input', data_type: 'TYPE_FP32', format: 'FORMAT_NCHW', dims: [3, 32, 32] }],
      output: [
        { name: 'logits', ...output },
        { name: 'probabilities', ...output },
      ],
    });
  }
  type Stats = {
    name: string;
    inference_count: number;
    inference_stats: { success: { count: number; ns: number } };
  };
  const stats = async (path: string): Promise<Stats> =>
    ((await get(path)) as { model_stats: Stats[] }).model_stats[0]!;
  const before = await stats('/v2/models/resnet20/stats');
  assert.equal((await post(jsonRequest())).status, 200);
  for (const path of ['resnet20/stats', 'resnet20/versions/1/stats', 'stats']) {
    const after = await stats(`/v2/models/${path}`);
    assert.equal(after.inference_count - before.inference_count, 2);
    assert.equal(after.inference_stats.success.count - before.inference_stats.success.count, 1);
    assert.ok(after.inference_stats.success.ns > before.inference_stats.success.ns);
  }
  for (const path of [
    'other/config',
    'other/stats',
    'resnet20/versions/2/config',
    'resnet20/versions/2/stats',
  ]) {
    assert.equal((await fetch(`${server.url}/v2/models/${path}`)).status, 404, path);
  }
  const index = [{ name: 'resnet20', version: '1', state: 'READY', reason: '' }];
  for (const body of [undefined, '', '{}', '{"ready":true}', '{"ready":null}']) {
    const answer = await fetch(`${server.url}/v2/repository/index`, { method: 'POST', body: body ?? null });
    assert.deepEqual([answer.status, await answer.json()], [200, index]);
  }
  assert.deepEqual(await get('/v2/repository/index'), index);
  assert.equal((await post('{"ready":1}', {}, '/v2/repository/index')).status, 400);
  assert.equal((await post('{', {}, '/v2/repository/index')).status, 400);
  assert.equal((await post('x'.repeat(2000), {}, '/v2/repository/index')).status, 413);
});

test('bad requests get 400 and one clear line', async () => {
  const bytes = bytesOf(input);
  const nan = bytesOf(Float32Array.from(input, (v, i) => (i === 77 ? Number.NaN : v)));
  const infinite = bytesOf(Float32Array.from(input, (v, i) => (i === 6143 ? Number.POSITIVE_INFINITY : v)));
  const data = [...input];
  const of = (extra: object): [string] => [JSON.stringify({ inputs: [tensor(extra)] })];
  const cases: [message: RegExp, body: BodyInit, headers?: Record<string, string>, status?: number][] = [
    [/not valid JSON/, '{"inputs":'],
    [/not valid JSON/, '{"inputs":[{"name":"input","shape":[1,3,32,32],"datatype":"FP32","data":[NaN]}]}'],
    [/no body|not valid JSON/, ''],
    [/the request inputs/, '{}'],
    [/the request/, '[]'],
    [/the request inputs/, '{"inputs":[]}'],
    [/one input, "input"/, JSON.stringify({ inputs: [tensor({ data }), tensor({ data })] })],
    [/one input, "input", not "x"/, ...of({ name: 'x', data })],
    [/FP32, not "UINT8"/, ...of({ datatype: 'UINT8', data })],
    [/\[n, 3, 32, 32\]/, ...of({ shape: [2, 32, 32, 3], data })],
    [/\[n, 3, 32, 32\]/, ...of({ shape: [0, 3, 32, 32], data: [] })],
    [/\[n, 3, 32, 32\]/, ...of({ shape: [6144], data })],
    [/inputs\[0\].shape/, ...of({ shape: [-1, 3, 32, 32], data })],
    [/inputs\[0\].shape/, ...of({ shape: [1.5, 3, 32, 32], data })],
    [/6143 values, its shape says 6144/, ...of({ data: data.slice(1) })],
    [/6145 values/, ...of({ data: [...data, 0] })],
    [/null is not a finite float32/, ...of({ data: [null, ...data.slice(1)] })],
    [/"1" is not a finite/, ...of({ data: ['1', ...data.slice(1)] })],
    [/1e\+300 is not a finite/, ...of({ data: [1e300, ...data.slice(1)] })],
    [/2 values at depth 1/, ...of({ data: [[[], []], []] })],
    [
      /neither flat nor nested/,
      ...of({
        data: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      }),
    ],
    [/neither data nor/, ...of({})],
    [/must be a list/, ...of({ data: 'x' })],
    [/both data and/, ...of({ data, parameters: { binary_data_size: 3 } })],
    [/needs the header/, ...of({ parameters: { binary_data_size: 3 } })],
    [/binary_data_size says 5, but 24576 bytes/, ...binaryRequest(bytes, {}, 5)],
    [/24572 bytes, its shape says 24576/, ...binaryRequest(bytes.subarray(4))],
    [/not a finite float32/, ...binaryRequest(nan)],
    [/not a finite float32/, ...binaryRequest(infinite)],
    [/not a finite float32/, new Uint8Array(nan), { [HEADER]: '0' }],
    [/whole images of 12288 bytes, not 12289/, new Uint8Array(12_289), { [HEADER]: '0' }],
    [/says 99, the body has 2/, '{}', { [HEADER]: '99' }],
    [/must be a number of bytes/, '{}', { [HEADER]: '-1' }],
    [/outputs "logits" and "probabilities"/, jsonRequest({ outputs: [{ name: 'x' }] })],
    [
      /binary_data is true or false/,
      jsonRequest({ outputs: [{ name: 'logits', parameters: { binary_data: 1 } }] }),
    ],
    [/how many classes/, jsonRequest({ outputs: [{ name: 'logits', parameters: { classification: -1 } }] })],
    [
      /output "logits": there is no shared memory here, such as "r1"/,
      jsonRequest({ outputs: [{ name: 'logits', parameters: { shared_memory_region: 'r1' } }] }),
    ],
    [
      /input "input": there is no shared memory here, such as "r2"/,
      ...of({ data, parameters: { shared_memory_region: 'r2', shared_memory_byte_size: 24_576 } }),
    ],
    [/parameters: must be an object/, jsonRequest({ parameters: [1] })],
    [/at most 4/, new Uint8Array(5 * 12_288), { [HEADER]: '0' }, 413],
    [/larger than 0.5 MB/, new Uint8Array(600_000), {}, 413],
  ];
  for (const [message, body, headers, expected = 400] of cases) {
    const { status, json } = await post(body, headers);
    assert.equal(status, expected, `${message} ${json.error}`);
    assert.match(json.error!, message);
    assert.deepEqual(Object.keys(json), ['error']);
    assert.doesNotMatch(json.error!, /\n|\.ts\b|node_modules/);
  }
  assert.equal((await post(jsonRequest())).status, 200);
});

test('deeply nested JSON is refused', async () => {
  const deep = `{"inputs":[{"name":"input","shape":[1,3,32,32],"datatype":"FP32","data":${'['.repeat(100_000)}${']'.repeat(100_000)}}]}`;
  assert.equal((await post(deep)).status, 400);
});
