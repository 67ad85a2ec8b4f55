import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor, type Graph, ints, type TensorValue } from '../../core/onnx/graph.ts';
import { Random } from '../../core/random.ts';
import { quantizeModel } from '../../export/quantize/quantize-model.ts';
import { roundHalfEven } from '../../export/quantize/quantize-weight.ts';
import { noise, runGraph } from './small-nets.ts';

const SIZE = 6;

interface Case {
  channels: number;
  outputs: number;
  kernel: number;
  stride: number;
  pad: number;
  relu: boolean;
}

/** A convolution (and a ReLU), its result pooled, so that the convolution itself is quantised on both sides. */
function convolution({ channels, outputs, kernel, stride, pad, relu }: Case): Graph {
  const random = new Random(9);
  const normal = (dims: number[]) =>
    floatTensor(
      dims,
      Array.from({ length: dims.reduce((a, b) => a * b) }, () => 0.3 * random.normal()),
    );
  const b = new GraphBuilder('convolution');
  const x = b.input('input', 'float32', ['batch', channels, SIZE, SIZE]);
  const weight = b.initializer('conv.weight', normal([outputs, channels, kernel, kernel]));
  const bias = b.initializer('conv.bias', normal([outputs]));
  let y = b.node('Conv', [x, weight, bias], {
    kernel_shape: ints([kernel, kernel]),
    strides: ints([stride, stride]),
    pads: ints([pad, pad, pad, pad]),
  });
  if (relu) y = b.node('Relu', [y]);
  const out = (SIZE + 2 * pad - kernel) / stride + 1;
  // A window of one: the values themselves, in their own scale.
  const logits = b.node('MaxPool', [y], { kernel_shape: ints([1, 1]) }, { name: 'logits' });
  b.output(logits, 'float32', ['batch', outputs, Math.floor(out), Math.floor(out)]);
  return b.graph;
}

/** The quantised net's output, worked out in whole numbers from its initializers. */
function emulate(graph: Graph, { outputs, kernel, stride, pad, relu }: Case, images: Float32Array): number[] {
  const tensor = (name: string): TensorValue => graph.initializers.get(name)!;
  const scalar = (name: string) => Number(tensor(name).data[0]);
  const result = relu ? 'relu' : 'conv';
  const [inputScale, inputZero] = [scalar('input.scale'), scalar('input.zero_point')];
  const [outputScale, outputZero] = [scalar(`${result}.scale`), scalar(`${result}.zero_point`)];
  const weight = tensor('conv.weight.quantized');
  const weightScales = tensor('conv.weight.scale').data;
  const biases = tensor('conv.bias.quantized').data;
  const channels = weight.dims[1]!;
  const given = images.length / (SIZE * SIZE);
  const out = Math.floor((SIZE + 2 * pad - kernel) / stride) + 1;
  const byteAt = (c: number, y: number, x: number): number => {
    if (c >= given || y < 0 || x < 0 || y >= SIZE || x >= SIZE) return inputZero;
    const value = Math.fround(images[(c * SIZE + y) * SIZE + x]! / inputScale);
    return Math.min(255, Math.max(0, roundHalfEven(value) + inputZero));
  };
  const values: number[] = [];
  for (let o = 0; o < outputs; o++) {
    for (let y = 0; y < out; y++) {
      for (let x = 0; x < out; x++) {
        let sum = Number(biases[o]);
        for (let c = 0; c < channels; c++) {
          for (let i = 0; i < kernel * kernel; i++) {
            const [dy, dx] = [Math.floor(i / kernel), i % kernel];
            const byte = byteAt(c, y * stride + dy - pad, x * stride + dx - pad);
            sum += (byte - inputZero) * Number(weight.data[(o * channels + c) * kernel * kernel + i]);
          }
        }
        const scale = Math.fround(Math.fround(inputScale * Number(weightScales[o])) / outputScale);
        const level = roundHalfEven(Math.fround(sum * scale)) + outputZero;
        values.push(outputScale * (Math.min(255, Math.max(0, level)) - outputZero));
      }
    }
  }
  return values;
}

describe('a quantised convolution is integer arithmetic', () => {
  const cases: [string, Case][] = [
    ['three colours, ReLU', { channels: 3, outputs: 16, kernel: 3, stride: 1, pad: 1, relu: true }],
    ['with negative results', { channels: 4, outputs: 16, kernel: 3, stride: 1, pad: 1, relu: false }],
    ['pointwise, strided', { channels: 8, outputs: 5, kernel: 1, stride: 2, pad: 0, relu: true }],
    ['five channels, strided', { channels: 5, outputs: 20, kernel: 3, stride: 2, pad: 1, relu: false }],
  ];
  for (const [what, shape] of cases) {
    it(what, async () => {
      const float = convolution(shape);
      const batch = noise(float, 1, 1)[0]!;
      const batches = () => [batch];
      // With 7-bit weights the sums are the same on every processor.
      const options = { batches, method: 'minmax', threads: 1, reduceRange: true } as const;
      const { graph } = await quantizeModel(float, options);
      const actual = await runGraph(graph, batch);
      const expected = emulate(graph, shape, batch.images);
      assert.equal(actual.length, expected.length);
      assert.ok(new Set(expected).size > 15, 'the values differ');
      expected.forEach((value, i) => {
        assert.ok(Math.abs(actual[i]! - value) < 1e-5, `value ${i} is ${actual[i]}, not ${value}`);
      });
      if (shape.relu) assert.ok(Math.min(...actual) === 0);
      // And it is the float convolution to within the steps of its parts.
      const exact = await runGraph(float, batch);
      const scale = Math.max(...exact.map(Math.abs));
      exact.forEach((value, i) => {
        assert.ok(Math.abs(actual[i]! - value) < 0.04 * scale);
      });
    });
  }
});
