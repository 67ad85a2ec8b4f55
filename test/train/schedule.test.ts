import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { cosineLearningRate, learningRateAt, type ScheduleConfig } from '../../train/schedule/schedule.ts';

/** Written by ../fixtures/optim/make_schedule_fixtures.py. */
const { cases } = JSON.parse(
  readFileSync(new URL('../fixtures/optim/schedules.json', import.meta.url), 'utf8'),
) as { cases: { config: ScheduleConfig & { stepsPerEpoch: number }; rates: number[] }[] };

/** Relative to the peak; PyTorch's chained updates drift by a few bits from the closed forms. */
const TOLERANCE = 1e-12;

const BASE: ScheduleConfig = {
  schedule: 'constant',
  learningRate: 0.1,
  epochs: 4,
  warmupFraction: 0.5,
  lrPerEpoch: false,
  milestones: [],
  gamma: 0.1,
};
const STEPS_PER_EPOCH = 5;

describe("every step's rate is PyTorch's", () => {
  for (const { config, rates } of cases) {
    it(JSON.stringify(config), () => {
      assert.equal(rates.length, config.epochs * config.stepsPerEpoch);
      for (const [step, expected] of rates.entries()) {
        near(learningRateAt(config, config.stepsPerEpoch, step), expected, config.learningRate, step);
      }
    });
  }

  it('in cases of all schedules, per step and per epoch', () => {
    const kinds = new Set(cases.map(({ config }) => `${config.schedule} ${config.lrPerEpoch}`));
    assert.deepEqual(
      [...kinds].sort(),
      ['cosine', 'multistep', 'onecycle'].flatMap((name) => [`${name} false`, `${name} true`]),
    );
  });
});

describe('the ends of a run', () => {
  const last = BASE.epochs * STEPS_PER_EPOCH - 1;

  it('cosine begins at a share of the peak, reaches it, and comes to zero after the last step', () => {
    const config: ScheduleConfig = { ...BASE, schedule: 'cosine' };
    near(learningRateAt(config, STEPS_PER_EPOCH, 0), 0.01, 0.1, 0);
    near(learningRateAt(config, STEPS_PER_EPOCH, 9), 0.1, 0.1, 9);
    near(learningRateAt(config, STEPS_PER_EPOCH, 10), 0.1, 0.1, 10);
    assert.ok(learningRateAt(config, STEPS_PER_EPOCH, last) > 0);
    for (const beyond of [last + 1, last + 100])
      near(learningRateAt(config, STEPS_PER_EPOCH, beyond), 0, 0.1, beyond);
  });

  it('cosine all of warm-up ends at the peak; without warm-up it begins there', () => {
    const rates = (warmupFraction: number) =>
      [0, last].map((step) =>
        learningRateAt({ ...BASE, schedule: 'cosine', warmupFraction }, STEPS_PER_EPOCH, step),
      );
    near(rates(1)[0]!, 0.1 / 20, 0.1, 0);
    near(rates(1)[1]!, 0.1, 0.1, last);
    near(rates(0)[0]!, 0.1, 0.1, 0);
    // A run of one step, the warm-up being all of it or none.
    assert.equal(cosineLearningRate(0.1, 1, 1, 0), 0.1);
    assert.equal(cosineLearningRate(0.1, 1, 0, 0), 0.1);
  });

  it('one-cycle goes from a 25th of the peak to a 250,000th, and stays there', () => {
    const config: ScheduleConfig = { ...BASE, schedule: 'onecycle' };
    near(learningRateAt(config, STEPS_PER_EPOCH, 0), 0.1 / 25, 0.1, 0);
    near(learningRateAt(config, STEPS_PER_EPOCH, 9), 0.1, 0.1, 9);
    for (const step of [last, last + 50])
      near(learningRateAt(config, STEPS_PER_EPOCH, step), 0.1 / 250_000, 0.1, step);
  });

  it('multi-step keeps the peak to the step before a milestone, and the last rate to the end', () => {
    const config: ScheduleConfig = { ...BASE, schedule: 'multistep', milestones: [1, 3] };
    const expected = new Map([
      [0, 0.1],
      [4, 0.1],
      [5, 0.01],
      [14, 0.01],
      [15, 0.001],
      [last, 0.001],
      [last + 50, 0.001],
    ]);
    for (const [step, rate] of expected) near(learningRateAt(config, STEPS_PER_EPOCH, step), rate, 0.1, step);
  });

  it('constant is constant', () => {
    for (const step of [0, 1, last, last + 50])
      assert.equal(learningRateAt(BASE, STEPS_PER_EPOCH, step), BASE.learningRate);
  });
});

it('a rate an epoch is the same in all of its steps, and another in the next epoch', () => {
  for (const name of ['onecycle', 'cosine'] as const) {
    const config: ScheduleConfig = {
      ...BASE,
      schedule: name,
      lrPerEpoch: true,
      warmupFraction: 0,
      epochs: 8,
    };
    const rates = Array.from({ length: 40 }, (_, step) => learningRateAt(config, STEPS_PER_EPOCH, step));
    for (let epoch = 0; epoch < 8; epoch++) {
      assert.equal(new Set(rates.slice(epoch * 5, epoch * 5 + 5)).size, 1, `${name}, epoch ${epoch}`);
    }
    assert.equal(new Set(rates).size, 8, `${name}: ${rates}`);
  }
});

function near(actual: number, expected: number, peak: number, step: number): void {
  const message = `step ${step}: ${actual}, not ${expected}`;
  assert.ok(Math.abs(actual - expected) <= TOLERANCE * peak, message);
}
