import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sizeOf } from '../../core/onnx/graph.ts';
import { Random } from '../../core/random.ts';
import { detectBlockSize } from '../../train/lowering/ort/block-size.ts';
import type { ConvGeometry } from '../../train/lowering/ort/conv/geometry.ts';
import {
  suitsWinograd,
  winogradConvolve,
  winogradInput,
  winogradInputGradient,
  winogradWeightGradient,
} from '../../train/lowering/ort/conv/winograd/winograd.ts';
import { StepBuilder } from '../../train/lowering/ort/step-builder.ts';
import { relativeError64 } from './support/check-gradients.ts';
import { runOnce } from './support/step-runner.ts';

const blockSize = await detectBlockSize();
const skip =
  blockSize === 0 && 'onnxruntime has no blocked kernels on this processor; those of x86-64 with AVX have';

/** Five times the rounding of a direct convolution; a wrong tap or tile is of the order of 1. */
const TOLERANCE = 1e-5;

type Pads = ConvGeometry['pads'];

function geometry(
  batch: number,
  [inChannels, outChannels]: [number, number],
  [height, width]: [number, number],
  pads: Pads,
): ConvGeometry {
  const output: [number, number] = [height + pads[0] + pads[2] - 2, width + pads[1] + pads[3] - 2];
  return {
    batch,
    inChannels,
    outChannels,
    group: 1,
    kernel: [3, 3],
    stride: [1, 1],
    dilation: [1, 1],
    pads,
    input: [height, width],
    output,
  };
}

/** Calls `visit` for every product that a convolution sums: its places in x, in the weight and in y. */
function eachProduct(g: ConvGeometry, visit: (x: number, w: number, y: number) => void): void {
  const [height, width] = g.input;
  const [outH, outW] = g.output;
  for (let n = 0; n < g.batch; n++) {
    for (let o = 0; o < g.outChannels; o++) {
      for (let c = 0; c < g.inChannels; c++) {
        for (let p = 0; p < outH * outW; p++) {
          for (let tap = 0; tap < 9; tap++) {
            const row = Math.floor(p / outW) + Math.floor(tap / 3) - g.pads[0];
            const column = (p % outW) + (tap % 3) - g.pads[1];
            if (row < 0 || row >= height || column < 0 || column >= width) continue;
            const x = ((n * g.inChannels + c) * height + row) * width + column;
            visit(x, (o * g.inChannels + c) * 9 + tap, (n * g.outChannels + o) * outH * outW + p);
          }
        }
      }
    }
  }
}

const CASES: Record<string, ConvGeometry> = {
  'one tile': geometry(2, [16, 16], [4, 4], [1, 1, 1, 1]),
  'tiles that reach over the edge, more channels out': geometry(2, [16, 32], [5, 7], [1, 1, 1, 1]),
  'several tiles, fewer channels out': geometry(3, [32, 16], [8, 12], [1, 1, 1, 1]),
  'smaller than a tile': geometry(2, [16, 16], [2, 3], [1, 1, 1, 1]),
  unpadded: geometry(2, [16, 16], [6, 9], [0, 0, 0, 0]),
  'asymmetric padding': geometry(2, [16, 16], [6, 5], [2, 0, 1, 2]),
};

describe('winograd', { skip }, () => {
  for (const [name, g] of Object.entries(CASES)) {
    test(`${name}: output and gradients are those of the direct convolution`, async () => {
      const random = new Random(5);
      const dims = {
        x: [g.batch, g.inChannels, ...g.input],
        w: [g.outChannels, g.inChannels, 3, 3],
        dy: [g.batch, g.outChannels, ...g.output],
      };
      const b = new StepBuilder('winograd', blockSize);
      const [x, w, dy] = [b.input('x', dims.x), b.input('w', dims.w), b.input('dy', dims.dy)];
      const tiles = winogradInput(b, g, x);
      b.output('y', winogradConvolve(b, g, tiles, w));
      b.output('dx', winogradInputGradient(b, g, w, dy));
      b.output('dw', winogradWeightGradient(b, g, tiles, dy));
      const fill = (size: readonly number[]) =>
        Float32Array.from({ length: sizeOf(size) }, () => random.normal());
      const feeds = { x: fill(dims.x), w: fill(dims.w), dy: fill(dims.dy) };
      const expected = {
        y: new Float64Array(feeds.dy.length),
        dx: new Float64Array(feeds.x.length),
        dw: new Float64Array(feeds.w.length),
      };
      eachProduct(g, (i, j, k) => {
        expected.y[k]! += feeds.x[i]! * feeds.w[j]!;
        expected.dx[i]! += feeds.dy[k]! * feeds.w[j]!;
        expected.dw[j]! += feeds.dy[k]! * feeds.x[i]!;
      });
      const actual = await runOnce(b.graph, feeds);
      for (const [output, values] of Object.entries(expected)) {
        const error = relativeError64(actual[output]!, values);
        assert.ok(error <= TOLERANCE, `${output}: relative error ${error}`);
      }
    });
  }

  test('it is taken where it saves work: wide layers of many images', () => {
    const b = new StepBuilder('choice', blockSize);
    const square = (batch: number, channels: number, size: number) =>
      geometry(batch, [channels, channels], [size, size], [1, 1, 1, 1]);
    assert.equal(suitsWinograd(b, square(64, 256, 8)), true);
    assert.equal(suitsWinograd(b, square(64, 16, 32)), false, 'narrow: the transforms cost more');
    assert.equal(suitsWinograd(b, square(1, 512, 4)), false, 'one image: the filters cost more');
    assert.equal(suitsWinograd(b, geometry(64, [250, 256], [8, 8], [1, 1, 1, 1])), false, 'no whole blocks');
    assert.equal(suitsWinograd(b, { ...square(64, 256, 8), stride: [2, 2] }), false);
    assert.equal(suitsWinograd(b, { ...square(64, 256, 8), kernel: [5, 5] }), false);
    assert.equal(suitsWinograd(new StepBuilder('plain', 0), square(64, 256, 8)), false);
  });
});
