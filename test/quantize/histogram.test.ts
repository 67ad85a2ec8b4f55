import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../core/random.ts';
import { Histogram } from '../../export/quantize/calibrate/collect.ts';

const draw = (count: number, seed: number): Float32Array => {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, (_, i) => (i % 7 === 0 ? 0 : random.normal() * (1 + i / 50)));
};

describe('a histogram of a stream', () => {
  it('counts each value in the bin that holds it, however the range grew', () => {
    const values = draw(5000, 1);
    const histogram = new Histogram();
    for (let i = 0; i < values.length; i += 100) histogram.add(values.subarray(i, i + 100));
    const expected = new Float64Array(histogram.counts.length);
    for (const value of values) {
      if (value === 0) continue;
      const bin = expected.findIndex(
        (_, i) => value >= histogram.edge(i) && value < histogram.edge(i) + histogram.binWidth,
      );
      expected[bin]!++;
    }
    assert.deepEqual(histogram.counts, expected);
    assert.equal(histogram.zeros, values.filter((value) => value === 0).length);
    assert.equal(histogram.zeros + histogram.nonZero, values.length);
    assert.equal(histogram.min, Math.min(...values));
    assert.equal(histogram.max, Math.max(...values));
  });

  it('is the same for any order of the values', () => {
    const values = draw(3000, 2);
    const forward = new Histogram();
    const backward = new Histogram();
    for (let i = 0; i < values.length; i += 10) forward.add(values.subarray(i, i + 10));
    backward.add(values.toReversed());
    assert.deepEqual(forward.counts, backward.counts);
    assert.equal(forward.binWidth, backward.binWidth);
  });

  it('holds values at the very ends of its range', () => {
    const histogram = new Histogram();
    histogram.add(Float32Array.of(-4, 4, -2, 2, 0));
    assert.equal(
      histogram.counts.reduce((sum, count) => sum + count),
      4,
    );
    assert.ok(histogram.edge(histogram.counts.length) > 4);
  });

  it('can be of zeros alone', () => {
    const histogram = new Histogram();
    histogram.add(new Float32Array(5));
    assert.deepEqual([histogram.zeros, histogram.nonZero, histogram.min, histogram.max], [5, 0, 0, 0]);
  });

  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    it(`refuses ${value}`, () => {
      assert.throws(() => new Histogram().add(Float32Array.of(1, value)), RangeError);
    });
  }
});
