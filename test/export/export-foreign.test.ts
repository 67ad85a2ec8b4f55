import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import sharp from 'sharp';
import { UserError } from '../../core/errors.ts';
import { loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import { openModel } from '../../core/foreign-model/open-model.ts';
import { probabilitiesOf } from '../../core/metrics/scores.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildResNet } from '../../core/models/resnet.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { float, type Graph, int } from '../../core/onnx/graph.ts';
import { decodeModel, encodeModel } from '../../core/onnx/model-file.ts';
import { convertMostToFloat16 } from '../../core/onnx/passes/mixed-float16.ts';
import { Random } from '../../core/random.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';
import { readOptions } from '../../export/command-line.ts';
import { describeForeign } from '../../export/describe.ts';
import { exportForeign, type ForeignExportOptions } from '../../export/export-foreign.ts';
import { writeTarget } from '../../export/targets/write-target.ts';
import { loadServedModel } from '../../serve/model-file.ts';
import { readModel } from '../../web-demo/page/worker/foreign.ts';
import { modelFolder, redNet } from '../foreign/red-net.ts';

const { folder, add } = modelFolder();
const GIVEN = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.25] };
const CLASSES = 5;
const SIZE = 16;
const pictures = join(folder, 'pictures');
let noise: Float32Array;
let pixels: Uint8Array;

/** A depthwise convolution whose images are quantised by channel, as NNCF writes it. */
function quantizedByChannel(): Uint8Array {
  const b = new GraphBuilder('by-channel');
  const quantize = (x: string, scale: number[], zero: number[]) => {
    const dims = scale.length === 1 ? [] : [scale.length];
    const by = [
      b.initializer(b.unique('scale'), { dtype: 'float32', dims, data: Float32Array.from(scale) }),
      b.initializer(b.unique('zero'), { dtype: 'uint8', dims, data: Uint8Array.from(zero) }),
    ];
    return b.node('DequantizeLinear', [b.node('QuantizeLinear', [x, ...by]), ...by]);
  };
  const x = quantize(b.input('data', 'float32', ['N', 3, 8, 8]), [0.1, 0.2, 0.3], [128, 127, 126]);
  const filter = b.node('DequantizeLinear', [
    b.initializer('filter', { dtype: 'int8', dims: [3, 1, 1, 1], data: Int8Array.of(10, 20, 30) }),
    b.initializer('step', { dtype: 'float32', dims: [], data: Float32Array.of(0.1) }),
  ]);
  const y = quantize(b.node('Conv', [x, filter], { group: int(3) }), [0.1], [128]);
  const scores = b.node('Flatten', [b.node('GlobalAveragePool', [y])], {}, { name: 'scores' });
  b.output(scores, 'float32', ['N', 3]);
  return encodeModel(b.graph, {}, { opset: 17 });
}

/** A net with batch norm and a softmax that is not its last node, as another program would write it. */
function net({
  batch = 'N',
  tail = 'softmax',
}: {
  batch?: number | string;
  tail?: 'softmax' | 'sigmoid';
} = {}): Graph {
  const graph = buildResNet(
    { name: 'net', block: 'basic', depths: [1], widths: [32], stemWidth: 32 },
    { numClasses: CLASSES, imageSize: SIZE },
  );
  initializeParameters(graph, 5);
  const weight = graph.initializers.get('fc.weight')!;
  // Of a trained net the scores of classes differ.
  weight.data = (weight.data as Float32Array).map((value) => value * 6);
  graph.inputs[0]!.dims[0] = batch;
  const b = new GraphBuilder(graph);
  graph.outputs = [];
  const p =
    tail === 'softmax' ? b.node('Softmax', ['logits'], { axis: int(1) }) : b.node('Sigmoid', ['logits']);
  b.output(b.node('Identity', [p], {}, { name: 'scores' }), 'float32', [batch, CLASSES]);
  return graph;
}

const bytes = (options?: Parameters<typeof net>[0], opset = 17) => encodeModel(net(options), {}, { opset });

before(async () => {
  const random = new Random(3);
  pixels = Uint8Array.from({ length: 3 * SIZE * SIZE }, () => random.integer(256));
  noise = Float32Array.from(pixels, (value, i) => {
    const channel = Math.floor(i / SIZE ** 2);
    return (value / 255 - GIVEN.mean[channel]!) / GIVEN.std[channel]!;
  });
  mkdirSync(join(pictures, 'more'), { recursive: true });
  for (let i = 0; i < 12; i++) {
    const raw = Uint8Array.from(
      { length: 3 * 20 * 24 },
      (_, at) => 127 + 127 * Math.sin((at * (i + 1)) / 50 + i),
    );
    const path = join(pictures, i % 2 === 0 ? '' : 'more', `${i}.png`);
    await sharp(raw, { raw: { width: 24, height: 20, channels: 3 } })
      .png()
      .toFile(path);
  }
});

/** The probabilities of the noise, twice in a batch unless the batch is fixed. */
async function run(path: string, batch = 2): Promise<number[]> {
  const { graph, metadata } = await loadClassifier(path, { anyInterface: true });
  const [input] = graph.inputs;
  const nhwc = metadata.inputLayout === 'NHWC';
  const planes = SIZE ** 2;
  const order = (from: ArrayLike<number>) =>
    nhwc ? Array.from(from, (_, i) => from[(i % 3) * planes + Math.floor(i / 3)]!) : [...Array.from(from)];
  const image = order(input!.dtype === 'uint8' ? pixels : noise);
  const all = Array.from({ length: batch }, () => image).flat();
  const dims = nhwc ? [batch, SIZE, SIZE, 3] : [batch, 3, SIZE, SIZE];
  const feed =
    input!.dtype === 'uint8'
      ? new Tensor('uint8', Uint8Array.from(all), dims)
      : new Tensor('float32', Float32Array.from(all), dims);
  const session = await openSession(path);
  const result = await session.run({ [input!.name]: feed });
  await session.release();
  if (result.indices) {
    const out = new Array<number>(CLASSES).fill(Number.NaN);
    const values = result.probabilities!.data as Float32Array;
    (result.indices.data as BigInt64Array).slice(-values.length / batch).forEach((index, i) => {
      out[Number(index)] = values.at(-values.length / batch + i)!;
    });
    return out;
  }
  return [...probabilitiesOf((result.logits!.data as Float32Array).subarray(-CLASSES), metadata.scores)];
}

async function original(graph: Graph): Promise<number[]> {
  const session = await openSession(encodeModel(graph, {}, { opset: 17 }));
  const { scores } = await session.run({ input: new Tensor('float32', noise, [1, 3, SIZE, SIZE]) });
  await session.release();
  return [...(scores!.data as Float32Array)];
}

async function exported(model: string, options: ForeignExportOptions) {
  const out = join(folder, 'out', `${Object.keys(options).join('-') || 'plain'}.onnx`);
  const result = await exportForeign(model, { out, ...options });
  return { ...result, probabilities: await run(result.path, options.batch) };
}

function near(actual: number[], expected: number[], tolerance: number): void {
  const worst = Math.max(...expected.map((value, i) => Math.abs(actual[i]! - value)));
  assert.ok(worst <= tolerance, `${actual} differs from ${expected} by ${worst}`);
}

describe('every option of an export works for models of other programs', () => {
  const options: [ForeignExportOptions, tolerance: number][] = [
    [{}, 1e-5],
    [{ batch: 3 }, 1e-5],
    [{ layout: 'nhwc' }, 1e-5],
    [{ preprocess: true, topK: CLASSES }, 1e-5],
    [{ externalData: true }, 1e-5],
    [{ opset: 17 }, 1e-5],
    [{ precision: 'fp16' }, 0.01],
    [{ precision: 'int8', data: pictures, calibration: { images: 12 } }, 0.05],
    [
      {
        precision: 'int8',
        data: pictures,
        preprocess: true,
        topK: CLASSES,
        externalData: true,
        batch: 2,
        reduceRange: true,
      },
      0.08,
    ],
  ];
  for (const tail of ['softmax', 'sigmoid'] as const) {
    for (const batch of ['N', 1] as const) {
      it(`of ${tail}, ${batch} images`, async () => {
        const model = add(`${tail}-${batch}`, bytes({ tail, batch }), GIVEN);
        const expected = await original(net({ tail, batch: 'N' }));
        for (const [option, tolerance] of options) {
          const result = await exported(model, option);
          near(result.probabilities, expected, tolerance);
          assert.ok(result.maxDifference <= tolerance, JSON.stringify(option));
          assert.equal(result.metadata.scores, tail === 'softmax' ? 'log-probabilities' : 'independent');
          assert.equal(result.metadata.oneByOne, batch === 1 ? true : undefined);
          assert.ok(result.files.every((file) => existsSync(file)));
        }
      });
    }
  }

  it('fp16 and int8 are smaller, and hold what they say', async () => {
    const model = add('small', bytes(), GIVEN);
    const size = statSync(model).size;
    const half = await exported(model, { precision: 'fp16' });
    assert.ok(half.bytes < 0.7 * size, `${half.bytes} of ${size}`);
    const int8 = await exported(model, { precision: 'int8', data: pictures });
    assert.ok(int8.bytes < 0.5 * size, `${int8.bytes} of ${size}`);
    assert.deepEqual(int8.quantization!.quantized.Gemm, 1);
    assert.ok(int8.quantization!.quantized.Conv! >= 3);
    assert.equal(int8.quantization!.calibrationImages, 12);
    // Repeated to fill the batches, they are no more than there are.
    assert.deepEqual([half.agreement.images > 12, int8.agreement.images], [true, 12]);
    const { graph } = decodeModel(readFileSync(int8.path));
    assert.ok(
      [...graph.initializers.values()].some(({ dtype, data }) => dtype === 'int8' && data.length > 1000),
    );
    const card = readFileSync(int8.path.replace(/\.onnx$/, '.md'), 'utf8');
    assert.match(card, /int8 weights and activations/);
    assert.match(card, /logarithms of probabilities, which exp makes them again/);
  });

  it('pictures that cannot be read are listed, and left out where that is asked for', async () => {
    const model = add('small', bytes(), GIVEN);
    const data = join(folder, 'some-broken');
    cpSync(pictures, data, { recursive: true });
    for (const name of ['0.png', '2.png']) writeFileSync(join(data, name), '<html>');
    await assert.rejects(
      exported(model, { precision: 'int8', data }),
      /^UserError: 2 of 12 images cannot be read: .*0\.png.*2\.png.*; mend them, or give --skip-broken/,
    );
    const notes: string[] = [];
    const onNote = (line: string) => notes.push(line);
    const left = await exported(model, { precision: 'int8', data, skipBroken: true, onNote });
    assert.equal(left.quantization!.calibrationImages, 10);
    assert.match(notes[0]!, /^left out 2 of 12 images that cannot be read: .*0\.png/);
    // What is left is what a folder without them has.
    for (const name of ['0.png', '2.png']) rmSync(join(data, name));
    const clean = await exported(model, { precision: 'int8', data });
    assert.deepEqual(readFileSync(left.path), readFileSync(clean.path));
  });

  it('what takes several images exactly is for other programs than the server and the page', async () => {
    const out = join(folder, 'fixed-out.onnx');
    const result = await exportForeign(add('fixed', redNet()), { out, batch: 4 });
    assert.doesNotMatch(describeForeign(result, 4), /npm run (serve|demo)/);
    assert.match(describeForeign(result, 1), /npm run serve/);
    const message = /takes 4 images exactly; export it with --batch dynamic for this/;
    await assert.rejects(loadServedModel(out), message);
    await assert.rejects(readModel(readFileSync(out), 'it', openModel), message);
  });

  it('a target says that images go one by one', async () => {
    const baked = redNet((b, x) => b.node('Reshape', [x, b.int64([1, 3])]));
    const { path, notes } = await exportForeign(add('baked', baked), { out: join(folder, 'baked-out.onnx') });
    assert.match(notes.join(), /image by image/);
    const files = await writeTarget('triton', { model: path });
    const config = readFileSync(files.at(-1)!, 'utf8');
    assert.match(config, /^max_batch_size: 1$/m);
    assert.doesNotMatch(config, /dynamic_batching/);
  });
});

describe('what cannot be is refused in one line, and nothing is written', () => {
  const plain = () => add('plain', bytes(), GIVEN);
  const refused: [string, () => string, ForeignExportOptions, RegExp][] = [
    [
      'another operator set',
      plain,
      { opset: 15 },
      /--opset 15: .* is of opset 17, and models of other programs/,
    ],
    ['int8 without pictures', plain, { precision: 'int8' }, /calibrated on pictures .* give --data DIR/],
    [
      'int8 in a folder without any',
      plain,
      { precision: 'int8', data: join(folder, 'out') },
      /has no pictures/,
    ],
    [
      'int8 of an old operator set',
      () => add('old', bytes({}, 12), GIVEN),
      { precision: 'int8', data: pictures },
      /needs opset 13, .* is of 12/,
    ],
    [
      'classes that there are not',
      plain,
      { preprocess: true, topK: 9 },
      /--top-k is from 1 to the 5 classes/,
    ],
    ['top-k alone', plain, { topK: 2 }, /add --preprocess/],
    ['a calibration alone', plain, { calibration: { images: 3 } }, /add --precision int8/],
    [
      'an operator set that onnxruntime does not have',
      () => add('new', bytes({}, 99), GIVEN),
      {},
      /onnxruntime does not take it/,
    ],
    [
      'an IR version that it does not have',
      () => {
        const model = bytes();
        // irVersion is the first field.
        model[1] = 99;
        return add('ir', model, GIVEN);
      },
      {},
      /onnxruntime does not take it/,
    ],
    [
      'an image quantised by channel',
      () => add('by-channel', quantizedByChannel()),
      {},
      /cannot run it on an image: what a convolution reads is quantised by channel, .*--precision int8$/,
    ],
    [
      'int8 of what is quantised',
      () =>
        add(
          'quantised',
          redNet((b, x) => {
            const scale = [
              b.initializer('s', { dtype: 'float32', dims: [], data: Float32Array.of(0.1) }),
              b.initializer('z', { dtype: 'int8', dims: [], data: Int8Array.of(0) }),
            ];
            return b.node('DequantizeLinear', [b.node('QuantizeLinear', [x, ...scale]), ...scale]);
          }),
        ),
      { precision: 'int8', data: pictures },
      /quantised already; leave it out/,
    ],
  ];
  for (const [what, model, options, message] of refused) {
    it(what, async () => {
      const out = join(folder, 'refused.onnx');
      await assert.rejects(exportForeign(model(), { ...options, out }), (error: Error) => {
        assert.ok(error instanceof UserError, error.stack);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
      assert.ok(!existsSync(out));
    });
  }

  it('options of weights', () => {
    const options = { foreign: 'm.onnx', checkpoint: 'best', batch: 'dynamic', precision: 'fp32' };
    const read = (more: object) => readOptions({ options: { ...options, ...more } as never });
    assert.equal(read({}).options.opset, undefined);
    for (const [name, value] of Object.entries({
      labels: 'l.txt',
      key: 'k',
      dataset: 'cifar10',
      checkpoint: 'last',
    })) {
      assert.throws(() => read({ [name]: value }), new RegExp(`--${name} is not of --foreign`));
    }
  });
});

describe('float16 where it costs little', () => {
  it('leaves norms, exponentials and tiny constants in float32, and what is not float alone', async () => {
    const b = new GraphBuilder('mixed');
    const x = b.input('x', 'float32', [2, 4]);
    const w = b.initializer('w', {
      dtype: 'float32',
      dims: [4, 4],
      data: Float32Array.from({ length: 16 }, (_, i) => i / 8 - 1),
    });
    const product = b.node('MatMul', [x, w]);
    const shape = b.node('Shape', [product]);
    const doubled = b.node('Add', [shape, shape]);
    const size = b.node('Div', [doubled, b.int64([2])]);
    const square = b.node('Mul', [product, product]);
    const safe = b.node('Add', [square, b.float32(1e-12)]);
    const root = b.node('Sqrt', [safe]);
    const out = b.node('Reshape', [b.node('Elu', [root], { alpha: float(1) }), size], {}, { name: 'y' });
    b.output(out, 'float32', [2, 4]);
    const { graph, converted } = convertMostToFloat16(b.graph);
    // The product, its square, Elu and Reshape.
    assert.equal(converted, 4);
    assert.equal(graph.initializers.get('w')!.dtype, 'float16');
    assert.equal(b.graph.initializers.get('w')!.dtype, 'float32');
    const results = [];
    for (const each of [b.graph, graph]) {
      const session = await openSession(encodeModel(each));
      const feed = new Tensor('float32', Float32Array.from([1, 2, 3, 4, 0, 0, 0, 0]), [2, 4]);
      results.push([...((await session.run({ x: feed })).y!.data as Float32Array)]);
      await session.release();
    }
    near(results[1]!, results[0]!, 0.02);
    // In float16 the constant would be 0.
    near(results[1]!.slice(4), [1e-6, 1e-6, 1e-6, 1e-6], 1e-7);
  });
});
