import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rankOf, topK } from '../../core/metrics/top-k.ts';

test('descending, ties to the lower index', () => {
  assert.deepEqual(topK([1, 3, 2, 3, 0], 3), [1, 3, 2]);
  assert.deepEqual(topK(new Float32Array(10), 5), [0, 1, 2, 3, 4]);
});

test('NaN ranks below -Infinity', () => {
  assert.deepEqual(topK([Number.NaN, Number.NEGATIVE_INFINITY, 1, Number.NaN], 4), [2, 1, 0, 3]);
});

test('k beyond the length gives all; a bad k throws', () => {
  assert.deepEqual(topK([1, 2], 5), [1, 0]);
  for (const k of [0, -1, 1.5, Number.NaN]) assert.throws(() => topK([1], k), RangeError);
});

test('rankOf is the place in topK', () => {
  const scores = [9, 9, 0, 5, Number.NaN, 5, -1, Number.NaN, 5];
  const ranked = topK(scores.slice(2), 7);
  for (let index = 0; index < 7; index++) assert.equal(rankOf(scores, 2, 7, index), ranked.indexOf(index));
});
