import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { detectBlockSize } from '../../train/lowering/ort/block-size.ts';
import { SKIP_WITHOUT_TENSORFLOW } from '../engine-tfjs/support/tensorflow.ts';
import { foreignErrors, inOnnxruntime, inTensorFlow, type OpenTraining } from './support/foreign-training.ts';

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
