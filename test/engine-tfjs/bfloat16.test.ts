import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Rank, Tensor } from '@tensorflow/tfjs-node-gpu';
import { UserError } from '../../core/errors.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { int } from '../../core/onnx/graph.ts';
import { loadTensorFlow } from '../../core/tensorflow/load-tfjs.ts';
import { createEngine } from '../../train/engine/create-engine.ts';
import { TfjsEngine } from '../../train/engine/tfjs-engine.ts';
import { TRAINING } from '../../train/gradients/training-graph.ts';
import {
  conv2d,
  conv2dFilterGradient,
  conv2dInputGradient,
} from '../../train/lowering/tfjs/convolution/conv2d.ts';
import { isByProducts } from '../../train/lowering/tfjs/convolution/filter-gradient-by-products.ts';
import type { ConvSetting } from '../../train/lowering/tfjs/convolution/setting.ts';
import { GraphInterpreter } from '../../train/lowering/tfjs/interpreter.ts';
import { Kernels } from '../../train/lowering/tfjs/kernels.ts';
import { plain } from '../../train/lowering/tfjs/value.ts';
import { CONFIG } from '../train/support/tiny-run.ts';
import { batchOf, netOf } from './support/net-case.ts';
import { relativeError } from './support/relative-error.ts';
import { SKIP_WITHOUT_TENSORFLOW, skipWithoutBfloat16 } from './support/tensorflow.ts';

const skip = await skipWithoutBfloat16();

/** bfloat16 has 8 significant bits; a result is rounded once, and so is each factor. */
const TOLERANCE = 2 ** -7;

type Shape4D = ConvSetting['inputShape'];

const errorOf = (a: Tensor, b: Tensor) => relativeError(a.dataSync(), b.dataSync());

describe('a convolution in bfloat16 and its gradients are those in float32, rounded', { skip }, () => {
  // [images, rows, columns, input channels], [kernel, its columns, output channels]
  for (const [inputShape, [rows, columns, outChannels], stride, padding, byProducts, margin = 0] of [
    [[2, 32, 32, 8], [3, 3, 16], 1, 'SAME', false],
    [[2, 33, 33, 8], [3, 3, 16], 2, 'VALID', false],
    [[2, 32, 32, 8], [3, 3, 16], 2, 'VALID', false, 1],
    [[2, 16, 12, 8], [1, 1, 16], 2, 'SAME', false],
    [[2, 15, 16, 8], [1, 1, 16], 2, 'SAME', false],
    [[2, 6, 9, 128], [3, 3, 128], 2, 'VALID', true, 1],
    [[2, 9, 6, 128], [5, 2, 128], 3, 'VALID', true],
    [[2, 6, 6, 128], [3, 3, 128], 2, 'SAME', false],
    [[3, 6, 5, 8], [1, 1, 16], 1, 'VALID', true],
    [[3, 6, 5, 128], [3, 3, 160], 1, 'SAME', true],
    [[2, 3, 2, 256], [5, 3, 64], 1, 'SAME', true],
  ] as const) {
    const filterShape: Shape4D = [rows, columns, inputShape[3], outChannels];
    const setting: ConvSetting = {
      type: 'bfloat16',
      strides: [stride, stride],
      padding,
      margins: [
        [margin, margin],
        [0, margin],
      ],
      inputShape: [...inputShape],
      filterShape,
    };
    it(`${inputShape}, filter ${filterShape}, stride ${stride}, ${padding}`, async () => {
      const tf = await loadTensorFlow();
      assert.equal(isByProducts(setting), byProducts);
      const k = new Kernels(tf);
      const before = tf.memory().numTensors;
      tf.tidy(() => {
        const random = (shape: readonly number[], seed: number) =>
          tf.randomNormal<Rank.R4>(shape as Shape4D, 0, 1, 'float32', seed);
        const [x, filter] = [random(inputShape, 1), random(filterShape, 2)];
        const results = (['bfloat16', 'float32'] as const).map((type) => {
          const own = { ...setting, type };
          const y = conv2d(k, own, x, filter);
          const dy = random(y.shape, 3);
          const dx = conv2dInputGradient(k, own, filter, dy);
          return [y, dx, conv2dFilterGradient(k, own, x, dy)].map((tensor) => k.cast(tensor, 'float32'));
        });
        for (const [i, what] of ['output', 'input gradient', 'filter gradient'].entries()) {
          const [half, single] = [results[0]![i]!, results[1]![i]!];
          assert.deepEqual(half.shape, single.shape);
          const error = errorOf(half, single);
          assert.ok(error < TOLERANCE, `${what}: ${error}`);
          assert.ok(error > 2 ** -14, `${what}: ${error} is closer than bfloat16 comes`);
        }
      });
      assert.equal(tf.memory().numTensors, before);
    });
  }
});

describe('a large matrix product in bfloat16 is that in float32, rounded; a small one is the same', {
  skip,
}, () => {
  // Of more axes, turned, and of layers' weights; multiply-adds: 17 million, 12 million, 17 million, 4 thousand.
  for (const [a, b, transA, transB, isLarge] of [
    [[64, 512], [512, 512], 0, 0, true],
    [[6, 128, 128], [6, 128, 128], 1, 0, true],
    [[2, 32, 512], [512, 512], 0, 1, true],
    [[16, 16], [16, 16], 0, 0, false],
  ] as const) {
    it(`[${a}] x [${b}]${transA ? ', left turned' : ''}${transB ? ', right turned' : ''}`, async () => {
      const tf = await loadTensorFlow();
      const g = new GraphBuilder('product');
      const dims = [...a.slice(0, -1), b.at(-1)!];
      const attributes = { transA: int(transA), transB: int(transB) };
      const inputs = [a, b].map((shape, i) => g.input(`x${i}`, 'float32', shape));
      g.output(g.node('FusedMatMul', inputs, attributes, { domain: TRAINING }), 'float32', dims);
      const [output] = g.graph.outputs;
      tf.tidy(() => {
        const feeds = Object.fromEntries(
          [a, b].map((shape, i) => [`x${i}`, plain(tf.randomNormal([...shape], 0, 1, 'float32', i + 1))]),
        );
        const [half, single] = (['bf16', 'fp32'] as const).map((precision) => {
          const interpreter = new GraphInterpreter(tf, { graph: g.graph }, precision);
          const { tensor } = interpreter.run(feeds).get(output!.name)!;
          interpreter.dispose();
          return new Kernels(tf).cast(tensor, 'float32');
        }) as [Tensor, Tensor];
        assert.deepEqual(half.shape, single.shape);
        const error = errorOf(half, single);
        assert.ok(error < TOLERANCE, `${error}`);
        assert.equal(error > 2 ** -14, isLarge, `${error}`);
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

const skipRefusal =
  SKIP_WITHOUT_TENSORFLOW ||
  (skip ? false : 'only a processor that lacks AVX-512 refuses it; here it trains, as above');

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
