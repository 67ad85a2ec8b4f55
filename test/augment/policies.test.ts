import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../core/random.ts';
import { AutoAugment } from '../../train/loader/augment/policy/auto-augment.ts';
import { RandAugment } from '../../train/loader/augment/policy/rand-augment.ts';
import { TrivialAugmentWide } from '../../train/loader/augment/policy/trivial-augment.ts';
import { digest, FIXTURE_IMAGES, readFixture } from './fixture-images.ts';

interface PoliciesFixture {
  /** All that a policy can make of the image, with the probability of each. */
  outcomes: [policy: string, digest: string, probability: number][];
}

const { outcomes } = readFixture<PoliciesFixture>('policies.json');
const picture = FIXTURE_IMAGES.find(({ name }) => name === 'blob')!;
const policies = {
  autoaugment: new AutoAugment(picture),
  randaugment: new RandAugment(picture),
  trivialaugment: new TrivialAugmentWide(picture),
};
const DRAWS = 20_000;

for (const [name, policy] of Object.entries(policies)) {
  test(`${name} makes what torchvision makes, as often`, () => {
    const expected = new Map(outcomes.filter(([of]) => of === name).map(([, hash, p]) => [hash, p]));
    const total = [...expected.values()].reduce((sum, p) => sum + p, 0);
    assert.ok(Math.abs(total - 1) < 1e-9);
    const seen = new Map<string, number>();
    for (let seed = 0; seed < DRAWS; seed++) {
      const image = picture.bytes();
      policy.apply(image, new Random(seed));
      const hash = digest(image);
      assert.ok(expected.has(hash), `seed ${seed} makes an image that torchvision cannot`);
      seen.set(hash, (seen.get(hash) ?? 0) + 1);
    }
    // Pearson's statistic has the number of outcomes as its mean, and twice that as its variance; rare outcomes
    // are counted as one, for it takes a normal approximation.
    let statistic = 0;
    let cells = 0;
    let rest = { count: 0, expected: 0 };
    for (const [hash, p] of expected) {
      const cell = { count: seen.get(hash) ?? 0, expected: p * DRAWS };
      if (cell.expected < 10) {
        rest = { count: rest.count + cell.count, expected: rest.expected + cell.expected };
        continue;
      }
      statistic += (cell.count - cell.expected) ** 2 / cell.expected;
      cells += 1;
    }
    if (rest.expected > 0) {
      statistic += (rest.count - rest.expected) ** 2 / rest.expected;
      cells += 1;
    }
    assert.ok(cells > 50, `${cells} cells`);
    assert.ok(Math.abs(statistic - cells) < 4 * Math.sqrt(2 * cells), `chi-squared ${statistic} of ${cells}`);
  });
}
