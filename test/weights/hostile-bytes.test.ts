import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor, ints } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { Random } from '../../core/random.ts';
import { decodeWeights } from '../../core/weights/load-weights.ts';
import { readFixture, survives } from './support.ts';

/** A prime, so that every kind of field is cut somewhere. */
const STEP = 7;
const FLIPS = 1500;

/** A classifier of one conv. */
function tinyOnnx(): Uint8Array {
  const b = new GraphBuilder('tiny');
  const x = b.input('input', 'float32', ['batch', 3, 2, 2]);
  const weight = b.initializer('conv1.weight', floatTensor([2, 3, 1, 1], [1, 2, 3, 4, 5, 6]));
  b.node('Conv', [x, weight], { kernel_shape: ints([1, 1]) }, { name: 'logits' });
  b.output('logits', 'float32', ['batch', 2, 2, 2]);
  return encodeModel(b.graph, { labels: '["a","b"]' });
}

const FILES: [string, () => Promise<Uint8Array>][] = [
  ['formats.pth', () => readFixture('formats.pth')],
  ['formats-legacy.pth', () => readFixture('formats-legacy.pth')],
  ['formats-protocol4.pth', () => readFixture('formats-protocol4.pth')],
  ['checkpoint.pth', () => readFixture('checkpoint.pth')],
  ['beside.pth', () => readFixture('beside.pth')],
  ['beside-legacy.pth', () => readFixture('beside-legacy.pth')],
  ['formats.safetensors', () => readFixture('formats.safetensors')],
  ['tiny.onnx', async () => tinyOnnx()],
];

describe('a damaged weights file is an error of one line', () => {
  for (const [name, read] of FILES) {
    it(`cut short: ${name}`, async () => {
      const bytes = await read();
      assert.ok(survives(() => decodeWeights(bytes, name), name));
      for (let length = 0; length < bytes.length; length += STEP) {
        const loaded = survives(() => decodeWeights(bytes.subarray(0, length), name), `cut at ${length}`);
        // What an ONNX model has after its graph may be missing unnoticed.
        if (name !== 'tiny.onnx') assert.ok(!loaded, `${name} cut at ${length} was loaded`);
      }
    });

    it(`with bytes changed: ${name}`, async () => {
      const bytes = Buffer.from(await read());
      const random = new Random(5);
      for (let i = 0; i < FLIPS; i++) {
        const at = Math.floor(random.uniform() * bytes.length);
        const before = bytes[at]!;
        bytes[at] = Math.floor(random.uniform() * 256);
        survives(() => decodeWeights(bytes, name), `byte ${at} is ${bytes[at]}`);
        bytes[at] = before;
      }
    });
  }
});
