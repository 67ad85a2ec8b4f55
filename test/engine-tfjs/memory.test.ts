import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { loadTensorFlow } from '../../core/tensorflow/load-tfjs.ts';
import { FilterOrder } from '../../train/engine/tfjs/filter-order.ts';
import { LossGradient } from '../../train/engine/tfjs/gradient.ts';
import { GraphInterpreter } from '../../train/engine/tfjs/interpreter.ts';
import { plainAll } from '../../train/engine/tfjs/value.ts';
import { vectorLayout } from '../../train/step/parameter-vector.ts';
import { batchOf, netOf } from './support/net-case.ts';
import { SKIP_WITHOUT_TENSORFLOW as skip, skipWithoutBfloat16 } from './support/tensorflow.ts';

const skipBfloat16 = await skipWithoutBfloat16();

const NET = {
  baseSeed: 1,
  batch: 4,
  nesterov: false,
  model: 'resnet20',
  imageSize: 32,
  learningRates: [0.01],
};

describe('what a step holds', { skip }, () => {
  it('a graph that runs keeps its outputs alone', async () => {
    const tf = await loadTensorFlow();
    const b = new GraphBuilder('chain');
    let x = b.input('x', 'float32', [2, 3]);
    for (let i = 0; i < 5; i++) x = b.node('Relu', [x]);
    b.node('Add', [x, b.node('Identity', [x])], {}, { name: 'y' });
    b.output('y', 'float32', [2, 3]);
    const interpreter = new GraphInterpreter(tf, b.graph);
    tf.tidy(() => {
      const given = tf.tensor2d([
        [-1, 0, 1],
        [2, 3, 4],
      ]);
      const before = tf.memory().numTensors;
      const { y } = interpreter.run(plainAll({ x: given }));
      assert.deepEqual([...y!.dataSync()], [0, 0, 2, 4, 6, 8]);
      assert.equal(tf.memory().numTensors, before + 1);
      assert.ok(!given.isDisposed);
    });
  });

  for (const precision of ['fp32', 'bf16'] as const) {
    const unless = precision === 'bf16' ? { skip: skipBfloat16 } : {};
    it(`the way back adds nothing to what the way there left: ${precision}`, unless, async () => {
      const tf = await loadTensorFlow();
      const model = netOf(NET);
      const layout = vectorLayout(model);
      const loss = new LossGradient(tf, model, layout, new FilterOrder(model, layout), NET.batch, precision);
      const { images, targets } = batchOf(NET, 0);
      const [parameters, buffers] = [tf.zeros([layout.parameterSize]), tf.zeros([layout.bufferSize])];
      const { kernels } = await tf.profile(
        () => tf.tidy(() => loss.compute(parameters, buffers, images, targets).loss) as unknown as Tensor[],
      );
      const bytes = kernels.map(({ totalBytesSnapshot }) => totalBytesSnapshot);
      const turn = kernels.findIndex(({ name }) => name === 'Mean') + 1;
      const [there, back] = [Math.max(...bytes.slice(0, turn)), Math.max(...bytes.slice(turn))];
      assert.ok(back < there, `${back} bytes back, ${there} there`);
      loss.dispose();
      tf.dispose([parameters, buffers]);
    });
  }
});
