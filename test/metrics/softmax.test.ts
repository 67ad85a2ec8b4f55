import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logSumExp, softmax } from '../../core/metrics/softmax.ts';

test('softmax of known logits', () => {
  const p = softmax([Math.log(1), Math.log(2), Math.log(5)]);
  [1 / 8, 2 / 8, 5 / 8].forEach((want, i) => {
    assert.ok(Math.abs(p[i]! - want) < 1e-7);
  });
});

test('large logits do not overflow, and a shift changes nothing', () => {
  const p = softmax([1000, 1001, 999]);
  const q = softmax([0, 1, -1]);
  assert.deepEqual(p, q);
  assert.ok(Math.abs(logSumExp([1000, 1001, 999]) - 1000 - logSumExp([0, 1, -1])) < 1e-9);
});

test('infinite logits take the limit', () => {
  assert.deepEqual([...softmax([Number.POSITIVE_INFINITY, 0, Number.POSITIVE_INFINITY])], [0.5, 0, 0.5]);
  assert.deepEqual([...softmax([Number.NEGATIVE_INFINITY, 0])], [0, 1]);
  assert.deepEqual([...softmax([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY])], [0.5, 0.5]);
  assert.equal(logSumExp([Number.POSITIVE_INFINITY, 0]), Number.POSITIVE_INFINITY);
});

test('NaN propagates; empty input is empty', () => {
  assert.ok(softmax([1, Number.NaN]).every(Number.isNaN));
  assert.ok(Number.isNaN(logSumExp([Number.NaN, 1])));
  assert.equal(softmax([]).length, 0);
  assert.equal(logSumExp([]), Number.NEGATIVE_INFINITY);
});
