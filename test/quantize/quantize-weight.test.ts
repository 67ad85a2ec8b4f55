import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { floatTensor } from '../../core/onnx/graph.ts';
import { Random } from '../../core/random.ts';
import { quantizeWeight } from '../../export/quantize/quantize-weight.ts';

const random = new Random(5);
const normal = (count: number, scale = 1) =>
  Float32Array.from({ length: count }, () => scale * random.normal());

describe('a weight', () => {
  it('comes back to half a step of its channel, the largest of each exactly', () => {
    const weight = floatTensor(
      [4, 3, 3, 3],
      normal(108).map((value, i) => value * 10 ** Math.floor(i / 27)),
    );
    const { weight: quantized, scale, bias } = quantizeWeight(weight, undefined, 0, 1, 127);
    assert.equal(bias, undefined);
    assert.deepEqual([quantized.dtype, quantized.dims, scale.dims], ['int8', [4, 3, 3, 3], [4]]);
    for (let channel = 0; channel < 4; channel++) {
      const original = weight.data.slice(27 * channel, 27 * channel + 27) as Float32Array;
      const levels = quantized.data.slice(27 * channel, 27 * channel + 27) as Int8Array;
      const step = Number(scale.data[channel]);
      original.forEach((value, i) => {
        assert.ok(Math.abs(step * levels[i]! - value) <= step * 0.5001);
      });
      assert.equal(Math.max(...levels.map(Math.abs)), 127);
    }
  });

  it('has its channels along another axis', () => {
    const weight = floatTensor([2, 3], [1, 20, 300, -0.6, 40, -151]);
    const { weight: quantized, scale } = quantizeWeight(weight, undefined, 1, 1, 127);
    assert.deepEqual([...scale.data], [1 / 127, 40 / 127, 300 / 127].map(Math.fround));
    assert.deepEqual([...quantized.data], [127, 64, 127, -76, 127, -64]);
  });

  it('keeps to 7 bits where asked', () => {
    const { weight } = quantizeWeight(floatTensor([5, 20], normal(100)), undefined, 0, 1, 63);
    assert.equal(Math.max(...(weight.data as Int8Array).map(Math.abs)), 63);
  });
});

describe('a bias', () => {
  it('is in units of the scale of input and channel', () => {
    const biases = normal(4, 3);
    const { scale, bias } = quantizeWeight(
      floatTensor([4, 8], normal(32)),
      floatTensor([4], biases),
      0,
      0.02,
      127,
    );
    assert.equal(bias!.dtype, 'int32');
    biases.forEach((value, channel) => {
      const step = 0.02 * Number(scale.data[channel]);
      assert.ok(Math.abs(Number(bias!.data[channel]) * step - value) <= step * 0.5001);
    });
  });

  for (const [kind, dims, axis, groups] of [
    ['a conv', [6, 5, 3, 3], 0, 1],
    ['a depthwise conv', [6, 1, 3, 3], 0, 6],
    ['a conv of groups', [6, 2, 1, 1], 0, 3],
    ['a linear layer', [6, 40], 0, 1],
    ['a linear layer the other way', [40, 6], 1, 1],
  ] as const) {
    it(`takes off what rounded weights of ${kind} shift the output by on average`, () => {
      const inputs = groups * dims[1 - axis]!;
      const weight = floatTensor(dims, normal(dims.reduce((a: number, b) => a * b, 1)));
      const means = Float64Array.from({ length: inputs }, (_, i) => 2 + i);
      const biases = normal(6, 3);
      const output = (
        { data }: { data: ArrayLike<number | bigint> },
        scales: (channel: number) => number,
      ) => {
        const kernel = dims.length === 4 ? dims[2]! * dims[3]! : 1;
        const sums = new Float64Array(6);
        for (let i = 0; i < data.length; i++) {
          const channel = axis === 0 ? Math.floor(i / (data.length / 6)) : i % 6;
          const within = axis === 0 ? Math.floor(i / kernel) % dims[1]! : Math.floor(i / 6);
          const group = Math.floor(channel / (6 / groups));
          sums[channel]! += Number(data[i]) * scales(channel) * means[group * dims[1 - axis]! + within]!;
        }
        return sums;
      };
      const {
        weight: rounded,
        scale,
        bias,
      } = quantizeWeight(weight, floatTensor([6], biases), axis, 0.001, 127, { means, groups });
      const exact = output(weight as { data: Float32Array }, () => 1);
      const shifted = output(rounded as { data: Int8Array }, (channel) => Number(scale.data[channel]));
      for (let c = 0; c < 6; c++) {
        const step = 0.001 * Number(scale.data[c]);
        const back = shifted[c]! + Number(bias!.data[c]) * step;
        assert.ok(Math.abs(back - (exact[c]! + biases[c]!)) <= step, `${back}`);
        assert.ok(Math.abs(shifted[c]! - exact[c]!) > 10 * step, 'there is something to correct');
      }
    });
  }

  for (const tiny of [0, 1e-30]) {
    it(`fits where the weights are ${tiny}`, () => {
      const weight = floatTensor([2, 4], [tiny, tiny, -tiny, tiny, 1, 1, 1, 1]);
      const {
        weight: quantized,
        scale,
        bias,
      } = quantizeWeight(weight, floatTensor([2], [5, 5]), 0, 0.1, 127);
      assert.deepEqual([...quantized.data], [0, 0, 0, 0, 127, 127, 127, 127]);
      for (const channel of [0, 1]) {
        const back = Number(bias!.data[channel]) * 0.1 * Number(scale.data[channel]);
        assert.ok(Math.abs(back - 5) < 1e-3, `${back}`);
      }
    });
  }
});
