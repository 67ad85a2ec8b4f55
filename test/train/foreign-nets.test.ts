import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BLOCK_SIZES } from './support/block-sizes.ts';
import { foreignErrors } from './support/foreign-training.ts';

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
    it(file, async (t) => {
      for (const blockSize of BLOCK_SIZES) {
        const { loss, gradient, weights, worst, unknown } = await foreignErrors(
          `${FOLDER}${file}`,
          blockSize,
        );
        const found = `loss ${loss.toExponential(1)}, gradient ${gradient.toExponential(1)} (${worst}), weights ${weights.toExponential(1)}`;
        t.diagnostic(found);
        assert.deepEqual(unknown, [], 'trained, and no parameter of PyTorch');
        assert.ok(loss <= TOLERANCE && gradient <= TOLERANCE && weights <= TOLERANCE, found);
      }
    });
  }
});
