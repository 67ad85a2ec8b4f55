import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Random } from '../../core/random.ts';
import { chooseRange, entropyThreshold } from '../../export/quantize/calibrate/choose-range.ts';
import { Histogram } from '../../export/quantize/calibrate/collect.ts';
import type { CalibrationMethod } from '../../export/quantize/options.ts';
import { activationParameters, type Range } from '../../export/quantize/quantize-weight.ts';

const histogramOf = (values: Float32Array): Histogram => {
  const histogram = new Histogram();
  histogram.add(values);
  return histogram;
};

const random = new Random(3);
/** As after a convolution, with a few values far out. */
const signed = Float32Array.from(
  { length: 20_000 },
  (_, i) => random.normal() * (i % 5000 === 4999 ? 9 : 1) - 0.3,
);
/** As after a ReLU. */
const positive = signed.map((value) => Math.max(0, value));
const sorted = (values: Float32Array) => values.toSorted();

/** What quantisation to a range changes the values by: the mean square, computed on the values themselves. */
const meanSquare = (values: Float32Array, range: Range): number => {
  const { scale, zeroPoint } = activationParameters(range);
  let sum = 0;
  for (const value of values) {
    const level = Math.min(255, Math.max(0, Math.round(value / scale) + zeroPoint));
    sum += (scale * (level - zeroPoint) - value) ** 2;
  }
  return sum / values.length;
};

describe('the range by min-max', () => {
  it('is that of the values', () => {
    const range = chooseRange(histogramOf(signed), 'minmax', 100);
    assert.deepEqual(range, { min: sorted(signed)[0], max: sorted(signed).at(-1) });
  });
});

describe('the range by percentile', () => {
  it('cuts half of the rest on either side', () => {
    const histogram = histogramOf(signed);
    const { min, max } = chooseRange(histogram, 'percentile', 99);
    const all = sorted(signed);
    assert.ok(Math.abs(min - all[100]!) <= histogram.binWidth, `${min}, not ${all[100]}`);
    assert.ok(Math.abs(max - all[all.length - 101]!) <= histogram.binWidth, `${max}, not ${all.at(-101)}`);
  });

  it('cuts all of the rest at the top of a ReLU, whose zeros count', () => {
    const histogram = histogramOf(positive);
    const { min, max } = chooseRange(histogram, 'percentile', 99);
    assert.equal(min, 0);
    assert.ok(Math.abs(max - sorted(positive).at(-201)!) <= histogram.binWidth);
  });

  it('is that of the values at 100 %', () => {
    assert.deepEqual(chooseRange(histogramOf(signed), 'percentile', 100), {
      min: sorted(signed)[0],
      max: sorted(signed).at(-1),
    });
  });
});

describe('the range by entropy', () => {
  interface Case {
    name: string;
    levels: number;
    counts: number[];
    threshold: number;
  }
  const fixture = new URL('../fixtures/quantize/entropy.json', import.meta.url);
  for (const { name, levels, counts, threshold } of JSON.parse(readFileSync(fixture, 'utf8')) as Case[]) {
    it(`has the threshold numpy finds, ${name}`, () => {
      assert.equal(entropyThreshold(Float64Array.from(counts), levels), threshold);
    });
  }

  it('clips a few values far out, and keeps to the values there are', () => {
    const bulk = signed.map((value) => Math.max(-1.5, Math.min(3, value)));
    const values = Float32Array.of(...bulk, 40, 50);
    const { min, max } = chooseRange(histogramOf(values), 'entropy', 100);
    assert.equal(min, -1.5);
    assert.ok(max >= 2.5 && max < 20, `${max}`);
  });
});

describe('the range of least squared error', () => {
  for (const [name, values] of [
    ['signed', signed],
    ['positive', positive],
  ] as const) {
    it(`is as good as any of a fine search, ${name} values`, () => {
      const histogram = histogramOf(values);
      const found = chooseRange(histogram, 'mse', 100);
      const [low, high] = [Math.min(0, histogram.min), histogram.max];
      let least = Number.POSITIVE_INFINITY;
      for (let a = low === 0 ? 1 : 0.05; a <= 1; a += 0.05) {
        for (let b = 0.05; b <= 1; b += 0.05) {
          least = Math.min(least, meanSquare(values, { min: a * low, max: b * high }));
        }
      }
      const error = meanSquare(values, found);
      assert.ok(error <= 1.02 * least, `${error}, a search finds ${least}`);
      const unclipped = meanSquare(values, { min: low, max: high });
      assert.ok(error < unclipped, `${error}, without clipping ${unclipped}`);
    });
  }
});

describe('any method', () => {
  const methods: CalibrationMethod[] = ['minmax', 'percentile', 'entropy', 'mse'];
  for (const method of methods) {
    it(`${method} gives a range for zeros, one value, and values of one sign`, () => {
      assert.deepEqual(chooseRange(histogramOf(new Float32Array(9)), method, 99.99), { min: 0, max: 0 });
      for (const values of [[2.5], [-2.5], [1, 2, 3], [-1, -2, -3], [0, 0, 7]]) {
        const { min, max } = chooseRange(histogramOf(Float32Array.from(values)), method, 99.99);
        const all = [0, ...values];
        assert.ok(min <= max && Number.isFinite(max - min), `[${min}, ${max}]`);
        assert.ok(max <= Math.max(...all) && min >= Math.min(...values, 0), `[${min}, ${max}] of ${values}`);
        assert.ok(activationParameters({ min, max }).scale > 0);
      }
    });
  }
});
