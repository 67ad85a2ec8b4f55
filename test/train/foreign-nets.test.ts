import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadTensorFlow } from '../../core/tensorflow/load-tfjs.ts';
import { detectBlockSize } from '../../train/lowering/ort/block-size.ts';
import { GraphInterpreter } from '../../train/lowering/tfjs/interpreter.ts';
import { Kernels } from '../../train/lowering/tfjs/kernels.ts';
import { plain, toPlain } from '../../train/lowering/tfjs/value.ts';
import { SKIP_WITHOUT_TENSORFLOW } from '../engine-tfjs/support/tensorflow.ts';
import { foreignErrors, inOnnxruntime, type OpenTraining } from './support/foreign-training.ts';
import type { Feeds } from './support/step-runner.ts';

/*
 * Narrow nets of torchvision and timm as PyTorch exports them: three steps from there are PyTorch's own. The nets as
 * they are, by all exporters, are for foreign-nets.slow.ts.
 */

const FOLDER = fileURLToPath(new URL('../fixtures/foreign-nets/', import.meta.url));

/** PyTorch's are computed in float64. */
const TOLERANCE = 1e-4;

describe('an exported net trains as PyTorch trains it', () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.onnx'));
  it('there are eight at least', () => assert.ok(files.length >= 8));

  for (const file of files.sort()) {
    const check = async (t: TestContext, open: OpenTraining) => {
      const { loss, gradient, weights, worst, unknown } = await foreignErrors(`${FOLDER}${file}`, open);
      const found = `loss ${loss.toExponential(1)}, gradient ${gradient.toExponential(1)} (${worst}), weights ${weights.toExponential(1)}`;
      t.diagnostic(found);
      assert.deepEqual(unknown, [], 'trained, and no parameter of PyTorch');
      assert.ok(loss <= TOLERANCE && gradient <= TOLERANCE && weights <= TOLERANCE, found);
    };
    it(`${file} in onnxruntime`, async (t) => check(t, inOnnxruntime(await detectBlockSize())));
    it(`${file} in TensorFlow`, { skip: SKIP_WITHOUT_TENSORFLOW }, (t) => check(t, inTensorFlow));
  }
});

const inTensorFlow: OpenTraining = async (training) => {
  const tf = await loadTensorFlow();
  const k = new Kernels(tf);
  const interpreter = new GraphInterpreter(tf, training);
  return {
    async run(feeds) {
      const results: Feeds = {};
      tf.tidy(() => {
        const given = training.graph.inputs.map(
          ({ name, dims }) => [name, plain(tf.tensor(feeds[name]!.slice(), dims.map(Number)))] as const,
        );
        const outputs = interpreter.run(Object.fromEntries(given));
        const read = (name: string) => toPlain(k, outputs.get(name)!).dataSync() as Float32Array;
        results['value.loss'] = read(training.loss);
        for (const [name, gradient] of training.gradients) results[`gradient.${name}`] = read(gradient);
      });
      return results;
    },
    close: async () => interpreter.dispose(),
  };
};
