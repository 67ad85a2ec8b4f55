import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-node-gpu';
import { UserError } from '../../core/errors.ts';
import { loadTensorFlow } from '../../core/tensorflow/load-tfjs.ts';
import { createEngine } from '../../train/engine/create-engine.ts';
import { conv2dInBfloat16 } from '../../train/engine/tfjs/bfloat16/conv2d.ts';
import { TfjsEngine } from '../../train/engine/tfjs/tfjs-engine.ts';
import { CONFIG } from '../train/support/tiny-run.ts';
import { batchOf, netOf } from './support/net-case.ts';
import { relativeError } from './support/relative-error.ts';
import { SKIP_WITHOUT_TENSORFLOW, skipWithoutBfloat16 } from './support/tensorflow.ts';

const skip = await skipWithoutBfloat16();

/** bfloat16 has 8 significant bits; a result is rounded once, and so is each factor. */
const TOLERANCE = 2 ** -7;

const errorOf = (a: Tensor, b: Tensor) => relativeError(a.dataSync(), b.dataSync());

describe('a convolution in bfloat16 and its gradients are those in float32, rounded', { skip }, () => {
  for (const [size, kernel, stride, padding] of [
    [32, 3, 1, 'same'],
    [8, 3, 1, 'same'],
    [33, 3, 2, 'valid'],
    [16, 1, 2, 'same'],
  ] as const) {
    it(`${size} pixels, kernel ${kernel}, stride ${stride}, ${padding}`, async () => {
      const tf = await loadTensorFlow();
      tf.tidy(() => {
        const x = tf.randomNormal([2, size, size, 8], 0, 1, 'float32', 1) as Tensor4D;
        const filter = tf.randomNormal([kernel, kernel, 8, 16], 0, 1, 'float32', 2) as Tensor4D;
        const strides: [number, number] = [stride, stride];
        const half = (a: Tensor4D, b: Tensor4D) => conv2dInBfloat16(tf, a, b, strides, padding);
        const single = (a: Tensor4D, b: Tensor4D) => tf.conv2d(a, b, strides, padding);
        const expected = single(x, filter);
        const error = errorOf(half(x, filter), expected);
        assert.ok(error < TOLERANCE, `${error}`);
        assert.ok(error > 2 ** -14, `${error} is closer than bfloat16 comes`);
        const dy = tf.randomNormal(expected.shape, 0, 1, 'float32', 3);
        const gradients = (conv: typeof half) => tf.grads(conv as never)([x, filter], dy);
        const [actual, wanted] = [gradients(half), gradients(single)];
        for (const [i, gradient] of actual.entries()) {
          assert.ok(errorOf(gradient, wanted[i]!) < TOLERANCE, `gradient ${i}`);
        }
      });
    });
  }
});

const NET = {
  baseSeed: 1,
  batch: 8,
  nesterov: false,
  model: 'resnet20',
  imageSize: 32,
  learningRates: [0.01],
};
const SGD = { name: 'sgd' as const, momentum: 0.9, nesterov: false, weightDecay: 5e-4 };

describe('--precision bf16', { skip }, () => {
  it('trains as fp32 does, but for rounding, and keeps no tensor', async () => {
    const tf = await loadTensorFlow();
    const { images, targets } = batchOf(NET, 0);
    const losses: Record<string, number[]> = {};
    for (const precision of ['fp32', 'bf16'] as const) {
      const engine = await TfjsEngine.create(netOf(NET), { batchSize: NET.batch, optimizer: SGD, precision });
      try {
        losses[precision] = [];
        let tensors = 0;
        for (let step = 0; step < 8; step++) {
          losses[precision].push((await engine.step(images, targets, 0.05)).loss);
          if (step === 2) tensors = tf.memory().numTensors;
        }
        assert.equal(tf.memory().numTensors, tensors);
      } finally {
        await engine.close();
      }
    }
    const { fp32, bf16 } = losses as Record<'fp32' | 'bf16', number[]>;
    assert.notEqual(bf16[0], fp32[0]);
    assert.ok(Math.abs(bf16[0]! - fp32[0]!) < 0.03 * fp32[0]!, `${bf16[0]} and ${fp32[0]}`);
    assert.ok(bf16.at(-1)! < 0.8 * bf16[0]!, `losses ${bf16}`);
  });
});

// Elsewhere it trains, as above.
const skipRefusal = SKIP_WITHOUT_TENSORFLOW || !skip;

it('bf16 is refused in one line where TensorFlow would round the sums', { skip: skipRefusal }, async () => {
  await assert.rejects(
    createEngine(netOf(NET), { ...CONFIG, engine: 'tfjs', precision: 'bf16' }),
    (error) => {
      assert.ok(error instanceof UserError);
      return /^TensorFlow cannot compute in bfloat16 on this machine .*--precision fp32$/.test(error.message);
    },
  );
});

describe('a half precision of the other engine is refused in one line', () => {
  for (const [engine, precision, message] of [
    ['ort', 'bf16', /--precision bf16 is for --engine tfjs.*add --engine tfjs/],
    ['tfjs', 'fp16', /--precision fp16 is for --engine ort/],
  ] as const) {
    it(`${precision} with ${engine}`, async () => {
      await assert.rejects(createEngine(netOf(NET), { ...CONFIG, engine, precision }), (error) => {
        assert.ok(error instanceof UserError);
        return message.test(error.message);
      });
    });
  }
});
