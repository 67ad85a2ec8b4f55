import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CIFAR100_NORMALIZATION } from '../../core/data/cifar100.ts';
import { softmax } from '../../core/metrics/softmax.ts';
import { topK } from '../../core/metrics/top-k.ts';
import { floatTensor, type Graph } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { fixBatch } from '../../core/onnx/passes/fix-batch.ts';
import { foldBatchNorm } from '../../core/onnx/passes/fold-batch-norm.ts';
import { takeNhwcInput } from '../../core/onnx/passes/nhwc-input.ts';
import { pixelsToTopK } from '../../core/onnx/passes/pixels-to-top-k.ts';
import { convertToFloat16 } from '../../core/onnx/passes/to-float16.ts';
import { Normalizer } from '../../core/preprocess/normalize.ts';
import { Random } from '../../core/random.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';
import { toFloat32 } from '../../core/weights/float-formats.ts';
import { toFloat16 } from '../../core/weights/to-float16.ts';
import { trainedGraph } from './trained-run.ts';

type Outputs = Record<string, Tensor>;

async function run(graph: Graph, feeds: Outputs): Promise<Outputs> {
  const session = await openSession(encodeModel(graph));
  const outputs = await session.run(feeds);
  await session.release();
  return outputs as Outputs;
}

const BATCH = 3;
const PIXELS = 32 * 32;
const random = new Random(5);
/** Interleaved, [3, 32, 32, 3]. */
const bytes = Uint8Array.from({ length: BATCH * PIXELS * 3 }, () => random.integer(256));
const normalized = new Float32Array(bytes.length);
const normalizer = new Normalizer(CIFAR100_NORMALIZATION);
for (let i = 0; i < BATCH; i++) {
  normalizer.interleaved(bytes.subarray(i * PIXELS * 3), 3, normalized, i * PIXELS * 3, PIXELS);
}
const input = new Tensor('float32', normalized, [BATCH, 3, 32, 32]);
const graph = foldBatchNorm(trainedGraph(1));
const logits = (await run(graph, { input })).logits!.data as Float32Array;
const largest = Math.max(...logits.map(Math.abs));

describe('float16', () => {
  it('numbers are rounded as the format has it', () => {
    // Every half there is comes back as it was; NaNs become the quiet one.
    const halves = Uint16Array.from({ length: 65_536 }, (_, i) => i);
    const singles = toFloat32(new Uint8Array(halves.buffer), 'float16');
    for (const [i, half] of toFloat16(singles).entries()) {
      if (Number.isNaN(singles[i])) assert.equal(half & 0x7fff, 0x7e00);
      else assert.equal(half, i);
    }
    // Half way between two neighbours goes to the even one, a little less or more to the nearer one.
    for (let i = 0; i < 0x7bff; i++) {
      const middle = (singles[i]! + singles[i + 1]!) / 2;
      const bits = new Uint32Array(Float32Array.of(middle, middle, middle).buffer);
      bits[0]!--;
      bits[2]!++;
      const below = new Float32Array(bits.buffer);
      assert.deepEqual([...toFloat16(below)], [i, i % 2 === 0 ? i : i + 1, i + 1], String(middle));
      const negative = toFloat16(below.map((value) => -value));
      assert.deepEqual(
        [...negative],
        [...toFloat16(below)].map((half) => half | 0x8000),
      );
    }
    const ends = [65_504, 65_519, 65_520, 1e9, -1e9, Number.POSITIVE_INFINITY];
    assert.deepEqual(
      [...toFloat16(Float32Array.from(ends))],
      [0x7bff, 0x7bff, 0x7c00, 0x7c00, 0xfc00, 0x7c00],
    );
  });

  it('graphs take and give float32 and hold float16', async () => {
    const half = convertToFloat16(graph);
    assert.deepEqual([half.inputs, half.outputs], [graph.inputs, graph.outputs]);
    assert.ok([...half.initializers.values()].every(({ dtype }) => dtype !== 'float32'));
    assert.ok([...graph.initializers.values()].every(({ dtype }) => dtype === 'float32'));
    const actual = (await run(half, { input })).logits!.data as Float32Array;
    const difference = Math.max(...actual.map((value, i) => Math.abs(value - logits[i]!))) / largest;
    assert.ok(difference > 1e-6 && difference < 0.01, String(difference));
  });

  it('cannot hold a weight that is too large, and operators it does not know', () => {
    const initializers = new Map(graph.initializers);
    initializers.set('fc.bias', floatTensor([100], new Float32Array(100).fill(70_000)));
    assert.throws(
      () => convertToFloat16({ ...graph, initializers }),
      /^UserError: tensor "fc\.bias" has a value of 70000, float16 ends at 65504; export it as fp32$/,
    );
    const nodes = graph.nodes.map((node) => (node.op === 'Gemm' ? { ...node, op: 'Erf' } : node));
    assert.throws(() => convertToFloat16({ ...graph, nodes }), /"Gemm:logits" \(Erf\) cannot be run/);
  });
});

describe('an image input by rows of pixels', () => {
  it('gives the logits of the planar one', async () => {
    const nhwc = takeNhwcInput(graph);
    assert.deepEqual(nhwc.inputs[0]!.dims, ['batch', 32, 32, 3]);
    const values = new Float32Array(normalized.length);
    for (let i = 0; i < values.length; i++) {
      const [image, pixel, channel] = [Math.floor(i / (3 * PIXELS)), Math.floor(i / 3) % PIXELS, i % 3];
      values[i] = normalized[(image * 3 + channel) * PIXELS + pixel]!;
    }
    const rows = new Tensor('float32', values, [BATCH, 32, 32, 3]);
    assert.deepEqual((await run(nhwc, { input: rows })).logits!.data, logits);
  });
});

describe('a graph from pixels to the best classes', () => {
  for (const precision of ['fp32', 'fp16']) {
    it(`ranks as the server does, in ${precision}`, async () => {
      const core = precision === 'fp16' ? convertToFloat16(graph) : graph;
      const whole = pixelsToTopK(core, CIFAR100_NORMALIZATION, 4);
      assert.deepEqual(whole.inputs, [{ name: 'images', dtype: 'uint8', dims: ['batch', 32, 32, 3] }]);
      const images = new Tensor('uint8', bytes, [BATCH, 32, 32, 3]);
      const { probabilities, indices } = await run(whole, { images });
      assert.deepEqual([probabilities!.dims, indices!.dims, indices!.type], [[3, 4], [3, 4], 'int64']);
      for (let i = 0; i < BATCH; i++) {
        const row = logits.subarray(i * 100, (i + 1) * 100);
        const best = topK(row, 4);
        const tolerance = precision === 'fp16' ? 0.01 : 1e-5;
        if (precision === 'fp32') {
          const found = [...(indices!.data as BigInt64Array)].slice(i * 4, i * 4 + 4).map(Number);
          assert.deepEqual(found, best);
        }
        best.forEach((index, rank) => {
          const actual = (probabilities!.data as Float32Array)[i * 4 + rank]!;
          assert.ok(Math.abs(actual - softmax(row)[index]!) < tolerance);
        });
      }
    });
  }
});

describe('a fixed batch size', () => {
  it('is declared for every input and output, and only that size runs', async () => {
    const fixed = fixBatch(graph, BATCH);
    assert.deepEqual(fixed.inputs[0]!.dims, [3, 3, 32, 32]);
    assert.deepEqual(fixed.outputs[0]!.dims, [3, 100]);
    assert.deepEqual((await run(fixed, { input })).logits!.data, logits);
    const one = new Tensor('float32', normalized.subarray(0, 3 * PIXELS), [1, 3, 32, 32]);
    await assert.rejects(run(fixed, { input: one }), /invalid dimensions/);
    assert.throws(() => fixBatch(graph, 0), RangeError);
  });
});

describe('batch norm folded in place', () => {
  it('gives the same graph in the memory of the old one', () => {
    const source = trainedGraph(1);
    const old = source.initializers.get('layer1.0.conv1.weight')!.data;
    const folded = foldBatchNorm(source, { inPlace: true });
    assert.equal(folded.initializers.get('layer1.0.conv1.weight')!.data, old);
    assert.deepEqual(folded, graph);
  });
});
