import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClassificationMetrics } from '../../core/metrics/classification-metrics.ts';
import { topK } from '../../core/metrics/top-k.ts';

test('counts top-1, top-5 and the mean cross-entropy', () => {
  const metrics = new ClassificationMetrics(6);
  // Label ranks: 0, 4, 5.
  const logits = new Float32Array([9, 1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 0, 5, 4, 3, 2, 1, 0]);
  metrics.add(logits, [0, 4, 5], 3);
  const result = metrics.result();
  assert.deepEqual(
    [result.images, result.top1Correct, result.top5Correct, result.top1, result.top5],
    [3, 1, 2, 1 / 3, 2 / 3],
  );
  const loss = (row: number, label: number): number => {
    const x = [...logits.subarray(row * 6, row * 6 + 6)];
    return Math.log(x.reduce((sum, v) => sum + Math.exp(v), 0)) - x[label]!;
  };
  assert.ok(Math.abs(result.loss - (loss(0, 0) + loss(1, 4) + loss(2, 5)) / 3) < 1e-6);
});

test('addRanked counts as add does', () => {
  const direct = new ClassificationMetrics(10);
  const ranked = new ClassificationMetrics(10);
  const logits = Float32Array.from({ length: 200 }, (_, i) => Math.round(5 * Math.sin(i * i)));
  const labels = Array.from({ length: 20 }, (_, i) => (i * 7) % 10);
  direct.add(logits, labels, 20);
  labels.forEach((label, i) => {
    ranked.addRanked(topK(logits.subarray(i * 10, i * 10 + 10), 5), label);
  });
  const { loss, ...counts } = direct.result();
  const { loss: none, ...rankedCounts } = ranked.result();
  assert.deepEqual(counts, rankedCounts);
  assert.ok(Number.isFinite(loss) && Number.isNaN(none));
});

test('only the first n of a padded batch count', () => {
  const metrics = new ClassificationMetrics(2);
  metrics.add(new Float32Array([1, 0, 0, 1]), [0, 0], 1);
  assert.equal(metrics.result().images, 1);
  assert.equal(metrics.result().top1, 1);
});

test('NaN is a miss and shows in the loss', () => {
  const metrics = new ClassificationMetrics(3);
  metrics.add(new Float32Array([Number.NaN, Number.NaN, Number.NaN]), [0], 1);
  const { top1, top5, loss } = metrics.result();
  assert.deepEqual([top1, top5], [0, 0]);
  assert.ok(Number.isNaN(loss));
});

test('nothing counted: fractions are 0', () => {
  assert.deepEqual(new ClassificationMetrics(3).result(), {
    top1: 0,
    top5: 0,
    loss: Number.NaN,
    images: 0,
    top1Correct: 0,
    top5Correct: 0,
  });
});

test('bad sizes and labels are refused', () => {
  const metrics = new ClassificationMetrics(2);
  assert.throws(() => metrics.add(new Float32Array(3), [0, 0], 2), /need 4 logits/);
  assert.throws(() => metrics.add(new Float32Array(2), [2], 1), /label 2/);
  assert.throws(() => metrics.addRanked([0], -1), /label -1/);
  assert.throws(() => new ClassificationMetrics(0), RangeError);
});
