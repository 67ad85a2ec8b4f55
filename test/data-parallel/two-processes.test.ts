import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { makeSynthetic } from '../../core/data/synthetic.ts';
import { compareStepGraph } from './demonstration.ts';
import { findPython } from './python.ts';

const python = await findPython();
const skip = 'reason' in python ? python.reason : false;

it('two processes under torchrun give the weights of one, and those of two replicas', { skip }, async () => {
  assert.ok('path' in python);
  const folder = await mkdtemp(join(tmpdir(), 'two-processes-'));
  try {
    const [one, replicas] = await compareStepGraph(python.path, folder, {
      model: 'resnet8',
      dataset: makeSynthetic({ train: 64, test: 0 }),
      batchSize: 8,
      shares: 2,
      steps: 3,
      recipe: {
        optimizer: 'sgd',
        learningRate: 0.05,
        momentum: 0.9,
        nesterov: true,
        weightDecay: 5e-4,
        schedule: 'onecycle',
        emaDecay: 0.99,
        clipNorm: 5,
      },
    });
    // The trainer's replicas are onnxruntime-node's, whose kernels for plain layouts are those of Python's.
    for (const { with: other, differences } of [one!, replicas!]) {
      for (const { kind, different, values } of differences) {
        assert.ok(values > 0);
        assert.equal(different, 0, `${kind}: ${different} of ${values} values differ from ${other}`);
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
