import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  type OneCycleConfig,
  oneCycleLearningRate,
  oneCycleMomentum,
} from '../../train/schedule/one-cycle.ts';

interface Fixture {
  torch: string;
  runs: { config: OneCycleConfig; rates: number[]; momenta: number[] }[];
}

const FIXTURE = JSON.parse(
  readFileSync(new URL('../fixtures/one-cycle/one-cycle.json', import.meta.url), 'utf8'),
) as Fixture;

/** Both compute in float64, in another order of operations. The last rate is 1e-6 of the first. */
const TOLERANCE = 1e-12;

describe(`one-cycle learning rates and momenta of PyTorch ${FIXTURE.torch}`, () => {
  for (const { config, rates, momenta } of FIXTURE.runs) {
    it(JSON.stringify(config), () => {
      assert.equal(rates.length, config.totalSteps);
      for (const [step, expected] of rates.entries()) {
        const actual = oneCycleLearningRate(config, step);
        assert.ok(Math.abs(actual - expected) <= TOLERANCE * config.maxLr, `step ${step}: ${actual}`);
        const momentum = oneCycleMomentum(config, step);
        assert.ok(Math.abs(momentum - momenta[step]!) <= TOLERANCE, `step ${step}: momentum ${momentum}`);
        // Once an epoch of three steps.
        const slow = oneCycleMomentum({ ...config, stepsEach: 3 }, 3 * step + (step % 3));
        assert.equal(slow, momentum);
      }
    });
  }

  it('cover the warm-up shares in use and runs of a few steps', () => {
    const configs = FIXTURE.runs.map(({ config }) => config);
    for (const share of [0.1, 0.3]) assert.ok(configs.some(({ warmupFraction }) => warmupFraction === share));
    for (const steps of [1, 2, 3]) assert.ok(configs.some(({ totalSteps }) => totalSteps === steps));
  });
});

describe('where PyTorch divides by zero, a phase of no length', () => {
  for (const [totalSteps, warmupFraction] of [
    [10, 0.1],
    [2, 0.5],
    [1, 1],
  ] as const) {
    it(`${totalSteps} steps, warm-up ${warmupFraction}: starts at the peak`, () => {
      assert.equal(oneCycleLearningRate({ maxLr: 0.1, totalSteps, warmupFraction }, 0), 0.1);
    });
  }

  it('and the rates after it fall to the last one', () => {
    const config = { maxLr: 0.1, totalSteps: 10, warmupFraction: 0.1 };
    const rates = Array.from({ length: 10 }, (_, step) => oneCycleLearningRate(config, step));
    assert.deepEqual(
      rates,
      [...rates].sort((a, b) => b - a),
    );
    assert.ok(Math.abs(rates[9]! - 0.1 / 25 / 1e4) < 1e-15);
  });
});

it('a step past the end keeps the last rate', () => {
  const config = { maxLr: 0.1, totalSteps: 10, warmupFraction: 0.3 };
  assert.equal(oneCycleLearningRate(config, 25), oneCycleLearningRate(config, 9));
});
