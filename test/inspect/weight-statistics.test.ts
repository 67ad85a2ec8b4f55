import assert from 'node:assert/strict';
import { it } from 'node:test';
import { floatTensor } from '../../core/onnx/graph.ts';
import { HISTOGRAM_BINS, weightStatistics } from '../../export/inspect/weight-statistics.ts';

it('figures and histogram of weights are those by hand', () => {
  const { min, max, mean, std, zeros, notFinite, histogram } = weightStatistics(
    floatTensor([4], [-1, 0, 0, 3]),
  );
  assert.deepEqual([min, max, mean, zeros, notFinite], [-1, 3, 0.5, 0.5, 0]);
  assert.equal(std, Math.sqrt((1.5 ** 2 + 0.5 ** 2 + 0.5 ** 2 + 2.5 ** 2) / 4));
  const expected = new Array(HISTOGRAM_BINS).fill(0);
  [expected[0], expected[HISTOGRAM_BINS / 4], expected[HISTOGRAM_BINS - 1]] = [1, 2, 1];
  assert.deepEqual(histogram, expected);
});

it('values that are not finite are counted apart', () => {
  const { min, max, mean, notFinite } = weightStatistics(
    floatTensor([4], [Number.NaN, Number.POSITIVE_INFINITY, 2, 4]),
  );
  assert.deepEqual([min, max, mean, notFinite], [2, 4, 3, 2]);
  assert.ok(Number.isNaN(weightStatistics(floatTensor([1], [Number.NaN])).min));
});

it('tensors of one value, of half precision and of whole numbers are counted too', () => {
  assert.equal(weightStatistics(floatTensor([2], [7, 7])).histogram[0], 2);
  const half = { dtype: 'float16' as const, dims: [2], data: Uint16Array.of(0x3c00, 0xc000) };
  assert.deepEqual([weightStatistics(half).min, weightStatistics(half).max], [-2, 1]);
  const bytes = { dtype: 'int8' as const, dims: [2], data: Int8Array.of(-128, 127) };
  assert.equal(weightStatistics(bytes).mean, -0.5);
});
