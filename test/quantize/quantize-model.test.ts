import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { cloneGraph, floatTensor } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { inferShapes } from '../../core/onnx/shape-inference.ts';
import {
  CALIBRATION_METHODS,
  type CalibrationBatch,
  type QuantizeOptions,
} from '../../export/quantize/options.ts';
import { quantizeModel } from '../../export/quantize/quantize-model.ts';
import { forImages } from '../../train/fine-tune/enlarge.ts';
import { bottleneckNet, floatNet, noise, runGraph } from './small-nets.ts';

const float = floatNet('se_resnet20', 8);
const batches = () => noise(float, 3, 5);
const quantize = (options: Partial<QuantizeOptions> = {}) =>
  quantizeModel(float, { batches, threads: 1, ...options });

describe('a quantised model', () => {
  it('has the inputs and outputs of the float one, for any batch, and valid shapes', async () => {
    const { graph, report } = await quantize();
    assert.deepEqual(graph.inputs, float.inputs);
    assert.deepEqual(graph.outputs, float.outputs);
    assert.equal(report.calibrationImages, 15);
    assert.deepEqual(inferShapes(graph).get('logits'), { dtype: 'float32', dims: ['batch', 10] });
    for (const size of [1, 4]) {
      const batch = noise(float, 1, size, 2)[0]!;
      const [actual, expected] = [await runGraph(graph, batch), await runGraph(float, batch)];
      assert.equal(actual.length, 10 * size);
      const scale = Math.max(...expected.map(Math.abs));
      expected.forEach((value, i) => {
        assert.ok(Math.abs(actual[i]! - value) < 0.1 * scale, `${actual[i]}, in float ${value}`);
      });
    }
  });

  it('holds its weights in a quarter of the bytes', async () => {
    const { graph } = await quantize({ method: 'minmax' });
    const weights = [...graph.initializers].filter(([name]) => /weight\.quantized$/.test(name));
    const layers = float.nodes.filter(({ op }) => op === 'Conv' || op === 'Gemm');
    assert.equal(weights.length, layers.length);
    assert.ok(weights.every(([, { dtype }]) => dtype === 'int8'));
    const floats = [...graph.initializers.values()].filter(({ dtype }) => dtype === 'float32');
    assert.ok(
      floats.every(({ dims }) => dims.length < 2),
      'only scales are left in float32',
    );
  });

  it('computes in float32 what reads an image that the graph enlarges', async () => {
    const enlarged = forImages(floatNet('resnet14t', 16), { height: 8, width: 8 });
    const { graph, report } = await quantizeModel(enlarged, {
      batches: () => noise(enlarged, 2, 4),
      threads: 1,
    });
    assert.equal(report.float.Conv, 1);
    const [first, second] = graph.nodes.filter(({ op }) => op === 'Conv');
    assert.equal(first!.inputs[0], 'enlarged');
    assert.match(second!.inputs[0]!, /dequantized$/);
  });

  it('and the cheap layers at the front of a mobile net', async () => {
    const enlarged = forImages(floatNet('mobilenetv2', 32), { height: 8, width: 8 });
    const { graph, report } = await quantizeModel(enlarged, {
      batches: () => noise(enlarged, 1, 2),
      threads: 1,
    });
    // The stem, the depthwise one, the one that narrows, and the one that reads it.
    assert.equal(report.float.Conv, 4);
    const convs = graph.nodes.filter(({ op }) => op === 'Conv');
    const reads = convs.slice(0, 6).map(({ inputs }) => inputs[0]!.endsWith('dequantized'));
    assert.deepEqual(reads, [false, false, false, false, true, true]);
  });

  it('is the same bytes each time, and the float graph is as before', async () => {
    const net = bottleneckNet(8);
    const before = Buffer.from(encodeModel(net));
    for (const method of CALIBRATION_METHODS) {
      const options = { method, batches: () => noise(net, 2, 6), threads: 1 };
      const once = Buffer.from(encodeModel((await quantizeModel(net, options)).graph));
      assert.ok(once.equals(encodeModel((await quantizeModel(net, options)).graph)), method);
    }
    assert.ok(before.equals(encodeModel(net)));
  });

  it('can be calibrated on images that arrive one batch at a time', async () => {
    async function* stream(): AsyncGenerator<CalibrationBatch> {
      for (const batch of batches()) yield batch;
    }
    const done: number[] = [];
    const { graph } = await quantize({ batches: stream, onProgress: (images) => done.push(images) });
    assert.ok(Buffer.from(encodeModel(graph)).equals(encodeModel((await quantize()).graph)));
    assert.deepEqual(done, [5, 10, 15]);
  });

  it('of ReLU6 has the range that is left of the sum, and none else is folded', async () => {
    const net = floatNet('mobilenetv2', 32);
    // Sums far beyond what ReLU6 lets through.
    const images = noise(net, 1, 2).map(({ images, size }) => ({ images: images.map((v) => 40 * v), size }));
    const { graph } = await quantizeModel(net, { batches: () => images, threads: 1, method: 'minmax' });
    const scale = (name: string) => Number(graph.initializers.get(`${name}.scale`)!.data[0]);
    const clips = net.nodes.filter(({ op }) => op === 'Clip').map(({ outputs }) => outputs[0]!);
    assert.equal(clips.length, 35);
    for (const name of clips) {
      assert.ok(scale(name) <= Math.fround(6 / 255), `${name}: ${scale(name)}`);
      assert.equal(graph.initializers.get(`${name}.zero_point`)!.data[0], 0);
    }
    assert.equal(scale(clips[0]!), Math.fround(6 / 255));
    assert.ok(graph.nodes.every(({ op }) => op !== 'Clip'));
    const other = cloneGraph(net);
    const bound = other.nodes.find(({ op }) => op === 'Clip')!.inputs[1]!;
    other.initializers.set(bound, floatTensor([], [-1]));
    const kept = await quantizeModel(other, { batches: () => images, threads: 1, method: 'minmax' });
    assert.equal(kept.report.float.Clip, 35);
  });

  it('keeps to 7-bit weights where asked', async () => {
    const { graph } = await quantize({ reduceRange: true });
    for (const [name, { dtype, data }] of graph.initializers) {
      if (dtype !== 'int8') continue;
      const largest = Math.max(...(data as Int8Array).map(Math.abs));
      assert.ok(largest <= 63, `${name} has ${largest}`);
    }
  });
});

describe('what cannot be quantised is refused in one line', () => {
  const refusal = (message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, message);
    assert.ok(!error.message.includes('\n'));
    return true;
  };

  it('no calibration images', async () => {
    await assert.rejects(quantize({ batches: () => [] }), refusal(/no images to calibrate with/));
  });

  for (const percentile of [0, -1, 100.1, Number.NaN]) {
    it(`a percentile of ${percentile}`, async () => {
      await assert.rejects(
        quantize({ method: 'percentile', percentile }),
        refusal(/above 0 and at most 100/),
      );
    });
  }

  it('weights that are not numbers', async () => {
    const damaged = cloneGraph(float);
    const { dims, data } = damaged.initializers.get('conv1.weight')!;
    damaged.initializers.set(
      'conv1.weight',
      floatTensor(dims, new Float32Array(data.length).fill(Number.NaN)),
    );
    await assert.rejects(quantizeModel(damaged, { batches, threads: 1 }), refusal(/is NaN; are the weights/));
  });
});
