import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sparkline } from '../../core/plot/sparkline.ts';

test('lowest and highest blocks stand for min and max', () => {
  assert.equal(sparkline([0, 0.5, 1, Number.NaN, 2, -2], { min: 0, max: 1 }), '▁▅█ █▁');
  assert.equal(sparkline([], { min: 0, max: 1 }), '');
  assert.equal(sparkline([3, 3], { min: 3, max: 3 }), '▅▅');
});

test('a long curve is averaged down to the width', () => {
  assert.equal(sparkline([0, 0, 1, 1, Number.NaN, Number.NaN], { min: 0, max: 1, width: 3 }), '▁█ ');
  assert.equal([...sparkline(Array(1000).fill(1), { min: 0, max: 1, width: 7 })].length, 7);
});
