import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  digestError,
  fixtureError,
  hashUniform,
  initialParameters,
  readStepFixture,
  relativeError,
  type StepFixtureName,
  stepImages,
  stepLabels,
  stepTargets,
} from '../fixtures/torch-fixture.ts';

const NAMES: StepFixtureName[] = ['resnet20', 'resnet18'];

for (const name of NAMES) {
  describe(`PyTorch fixture ${name}`, () => {
    const fixture = readStepFixture(name);
    const { config } = fixture;

    it('generates the hash values, weights, images and labels the Python script did', () => {
      const { generated } = config;
      for (const [seed, index, value] of generated.uniform) assert.equal(hashUniform(seed, index), value);
      const parameters = initialParameters(config.parameters, config.baseSeed);
      for (const [key, head] of Object.entries(generated.parameters)) {
        assert.deepEqual([...parameters.get(key)!.subarray(0, head.length)], head, key);
      }
      for (let step = 0; step < config.steps; step++) {
        assert.deepEqual([...stepImages(config, step).subarray(0, 4)], generated.images[step]);
        const labels = stepLabels(config, step);
        assert.deepEqual([labels.a, labels.b], [generated.labelsA[step], generated.labelsB[step]]);
      }
      const count = [...parameters.values()].reduce((sum, data) => sum + data.length, 0);
      assert.equal(count, config.parameterCount);
    });

    it('has a gradient, a weight and a momentum for every parameter and statistics for every norm', () => {
      const values = fixture.tensors.size > 0 ? fixture.tensors : fixture.digests;
      for (const { name: parameter } of config.parameters) {
        for (const kind of ['grad', 'param', 'momentum']) assert.ok(values.has(`${kind}.${parameter}`));
        const norm = /^(.*(?:bn\d|downsample\.1))\.weight$/.exec(parameter)?.[1];
        if (norm === undefined) continue;
        for (const kind of ['mean', 'var']) assert.ok(values.has(`buffer.${norm}.running_${kind}`));
      }
    });

    it('states a loss that follows from its logits and targets', () => {
      for (let step = 0; step < config.steps; step++) {
        const loss = crossEntropy(fixture.logits[step]!, stepTargets(config, step), config.classes);
        assert.ok(Math.abs(loss / config.losses[step]! - 1) < 1e-6, `step ${step + 1}: ${loss}`);
      }
    });

    it('is well-conditioned: float32 PyTorch is far inside 1e-4', () => {
      const errors = [config.float32Error, config.float32DigestError ?? {}].flatMap(Object.values);
      assert.ok(errors.length >= 6);
      for (const { error, tensor } of errors) assert.ok(error < 5e-5, `${tensor}: ${error}`);
    });

    it('sees the difference between initial and trained weights', () => {
      for (const [key, data] of initialParameters(config.parameters, config.baseSeed)) {
        assert.ok(fixtureError(fixture, `param.${key}`, data) > 1e-4, key);
      }
    });
  });
}

describe('fixture comparisons', () => {
  it('measure the L2 error', () => {
    assert.equal(relativeError(Float32Array.of(3, 4), Float32Array.of(3, 4)), 0);
    assert.equal(relativeError(Float32Array.of(3, 4.5), Float32Array.of(3, 4)), 0.1);
    assert.ok(Number.isNaN(relativeError(Float32Array.of(Number.NaN), Float32Array.of(1))));
    assert.throws(() => relativeError(Float32Array.of(1), Float32Array.of(1, 2)), /expected 2/);
  });

  it('notice an error in norm, projections or samples of a digest', () => {
    const fixture = readStepFixture('resnet18');
    const weights = initialParameters(fixture.config.parameters, fixture.config.baseSeed).get('bn1.weight')!;
    const norm = Math.hypot(...weights);
    const digest = { norm, projections: [], samples: [] };
    assert.ok(digestError(weights, digest) < 1e-12);
    assert.ok(Math.abs(digestError(weights, { ...digest, norm: norm / 1.01 }) - 0.01) < 1e-9);
    assert.ok(digestError(weights, { ...digest, projections: [0] }) > 1e-4);
    assert.ok(digestError(weights, { ...digest, samples: [0] }) > 0.5);
    assert.ok(Number.isNaN(digestError(Float32Array.of(Number.NaN), digest)));
  });
});

/** Mean of -sum(target * log softmax(logits)) over rows. */
function crossEntropy(logits: Float32Array, targets: Float32Array, classes: number): number {
  const rows = logits.length / classes;
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const values = [...logits.subarray(row * classes, (row + 1) * classes)];
    const top = Math.max(...values);
    const logSum = top + Math.log(values.reduce((total, value) => total + Math.exp(value - top), 0));
    values.forEach((value, i) => {
      sum -= targets[row * classes + i]! * (value - logSum);
    });
  }
  return sum / rows;
}
