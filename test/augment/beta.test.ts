import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../core/random.ts';
import { symmetricBeta } from '../../train/loader/augment/mix/beta.ts';

const DRAWS = 40_000;

function sample(alpha: number): number[] {
  const random = new Random(3);
  return Array.from({ length: DRAWS }, () => symmetricBeta(alpha, random));
}

/** Distribution functions of Beta(a, a) in closed form. */
const KNOWN: Record<string, [alpha: number, cdf: (x: number) => number]> = {
  'Beta(1, 1), uniform': [1, (x) => x],
  'Beta(1/2, 1/2), arcsine': [0.5, (x) => (2 / Math.PI) * Math.asin(Math.sqrt(x))],
  'Beta(2, 2)': [2, (x) => x * x * (3 - 2 * x)],
  'Beta(3, 3)': [3, (x) => x ** 3 * (10 - 15 * x + 6 * x * x)],
};

for (const [name, [alpha, cdf]] of Object.entries(KNOWN)) {
  test(`draws from ${name} pass the Kolmogorov-Smirnov test`, () => {
    const sorted = sample(alpha).sort((a, b) => a - b);
    let distance = 0;
    for (const [i, x] of sorted.entries()) {
      distance = Math.max(distance, Math.abs(cdf(x) - i / DRAWS), Math.abs(cdf(x) - (i + 1) / DRAWS));
    }
    // Exceeded once in a thousand samples.
    assert.ok(distance < 1.95 / Math.sqrt(DRAWS), `distance ${distance}`);
  });
}

for (const alpha of [0.2, 0.4, 8]) {
  test(`draws from Beta(${alpha}, ${alpha}) have its mean and variance`, () => {
    const draws = sample(alpha);
    const mean = draws.reduce((sum, x) => sum + x, 0) / DRAWS;
    const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / DRAWS;
    const expected = 1 / (4 * (2 * alpha + 1));
    assert.ok(Math.abs(mean - 0.5) < 4 * Math.sqrt(expected / DRAWS), `mean ${mean}`);
    assert.ok(Math.abs(variance / expected - 1) < 0.03, `variance ${variance}, not ${expected}`);
  });
}

test('very small and very large parameters give numbers from 0 to 1', () => {
  for (const alpha of [1e-6, 1e-3, 1e6]) {
    const draws = sample(alpha);
    assert.ok(draws.every((x) => x >= 0 && x <= 1));
    const high = draws.filter((x) => x > 0.5).length;
    assert.ok(Math.abs(high - DRAWS / 2) < 2 * Math.sqrt(DRAWS), `${high} above a half`);
  }
});
