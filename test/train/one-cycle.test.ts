import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { optimizerOf, updateScalars } from '../../train/optim/config.ts';
import {
  type OneCycleConfig,
  oneCycleLearningRate,
  oneCycleMomentum,
} from '../../train/schedule/one-cycle.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { CONFIG, checkpointBytes, tinyRun } from './support/tiny-run.ts';

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
        assert.ok(Math.abs(actual - expected) <= TOLERANCE * config.learningRate, `step ${step}: ${actual}`);
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
      assert.equal(oneCycleLearningRate({ learningRate: 0.1, totalSteps, warmupFraction }, 0), 0.1);
    });
  }

  it('and the rates after it fall to the last one', () => {
    const config = { learningRate: 0.1, totalSteps: 10, warmupFraction: 0.1 };
    const rates = Array.from({ length: 10 }, (_, step) => oneCycleLearningRate(config, step));
    assert.deepEqual(
      rates,
      [...rates].sort((a, b) => b - a),
    );
    assert.ok(Math.abs(rates[9]! - 0.1 / 25 / 1e4) < 1e-15);
  });
});

it('a step past the end keeps the last rate', () => {
  const config = { learningRate: 0.1, totalSteps: 10, warmupFraction: 0.3 };
  assert.equal(oneCycleLearningRate(config, 25), oneCycleLearningRate(config, 9));
});

describe('a run whose momentum moves', () => {
  const folder = temporaryFolder();

  it('goes on after a break, bit for bit as without one', async () => {
    const config = { cycleMomentum: true, epochs: 2 } as const;
    const path = await folder;
    const whole = await tinyRun(path, 'whole', { config });
    await tinyRun(path, 'broken', { config, stopAfter: 3 });
    const { run } = await tinyRun(path, 'broken', { config, resume: true });
    assert.deepEqual(await checkpointBytes(run, 'last'), await checkpointBytes(whole.run, 'last'));
    const still = await tinyRun(path, 'still', { config: { epochs: 2 } });
    assert.notDeepEqual(await checkpointBytes(still.run, 'last'), await checkpointBytes(whole.run, 'last'));
  });

  it('moves it in steps or in epochs, as its rate', () => {
    const settings = { ...CONFIG, cycleMomentum: true, epochs: 10, trainImages: 70, batchSize: 16 };
    assert.deepEqual(optimizerOf(settings).momentumCycle, { totalSteps: 40, warmupFraction: 0.3 });
    assert.deepEqual(optimizerOf({ ...settings, lrPerEpoch: true }).momentumCycle, {
      totalSteps: 10,
      warmupFraction: 0.3,
      stepsEach: 4,
    });
    assert.equal(optimizerOf(CONFIG).momentumCycle, undefined);
    const factors = [1, 2, 12, 40].map(
      (step) => updateScalars(optimizerOf(settings), 0.1, step).momentum_factor!,
    );
    assert.equal(factors[0], 0.95);
    assert.ok(factors[1]! < 0.95 && factors[1]! > 0.94);
    assert.ok(Math.abs(factors[2]! - 0.85) < 1e-9 && Math.abs(factors[3]! - 0.95) < 1e-9, `${factors}`);
  });
});
