import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linearAxis, logAxis } from '../../core/plot/ticks.ts';

const labels = (axis: { ticks: { label: string }[] }) => axis.ticks.map(({ label }) => label);

test('a linear axis ends at its outer ticks, which are round', () => {
  const axis = linearAxis(0.83, 4.11);
  assert.deepEqual([axis.min, axis.max], [0, 5]);
  assert.deepEqual(labels(axis), ['0', '1', '2', '3', '4', '5']);
  assert.deepEqual(labels(linearAxis(0, 0.3)), ['0', '0.1', '0.2', '0.3']);
  assert.deepEqual(labels(linearAxis(-1.2, 1)), ['-1.5', '-1.0', '-0.5', '0', '0.5', '1.0']);
  assert.deepEqual(labels(linearAxis(0, 2.4e-5)), ['0', '5e-6', '1.0e-5', '1.5e-5', '2.0e-5', '2.5e-5']);
  assert.deepEqual(labels(linearAxis(1e6, 3e6, { count: 2 })), ['1e6', '2e6', '3e6']);
});

test('a tight axis ends at its values and has ticks inside only', () => {
  const axis = linearAxis(1, 32, { tight: true, count: 8 });
  assert.deepEqual([axis.min, axis.max], [1, 32]);
  assert.deepEqual(labels(axis), ['5', '10', '15', '20', '25', '30']);
});

test('whole-number ticks stay whole on a short range', () => {
  assert.deepEqual(labels(linearAxis(1, 3, { tight: true, integers: true, count: 9 })), ['1', '2', '3']);
});

test('equal values get an axis around them', () => {
  for (const value of [0, 5, -3e-7, 1e9]) {
    const { min, max, ticks } = linearAxis(value, value);
    assert.ok(min < value && value < max && ticks.length >= 2, `${value}`);
  }
  const rounding = linearAxis(1, 1 + Number.EPSILON);
  assert.ok(rounding.ticks.length < 20 && rounding.min < 1 && rounding.max > 1);
});

test('ticks of any range are few, rising, inside, and have labels of their own', () => {
  for (let exponent = -40; exponent <= 40; exponent += 3) {
    for (const [low, high] of [
      [1.01, 9.3],
      [-7, 3],
      [100, 101],
    ] as const) {
      const scale = 10 ** exponent;
      const { min, max, ticks } = linearAxis(low * scale, high * scale);
      assert.ok(ticks.length >= 3 && ticks.length <= 9, `${ticks.length} ticks at 1e${exponent}`);
      assert.equal(new Set(ticks.map(({ label }) => label)).size, ticks.length);
      const rounding = 1e-9 * (max - min);
      assert.ok(min <= low * scale + rounding && max >= high * scale - rounding);
      for (const [index, { value, label }] of ticks.entries()) {
        assert.ok(Math.abs(Number(label) - value) <= rounding, `${label} for ${value}`);
        if (index > 0) assert.ok(value > ticks[index - 1]!.value);
      }
    }
  }
});

test('a logarithmic axis has ticks by the width of its range', () => {
  assert.deepEqual(labels(logAxis(1.1, 5.5)), ['1', '2', '3', '4', '5', '6']);
  assert.deepEqual(labels(logAxis(0.03, 2)), ['0.02', '0.05', '0.1', '0.2', '0.5', '1', '2']);
  assert.deepEqual(labels(logAxis(1e-5, 0.1)), ['1e-5', '1e-4', '0.001', '0.01', '0.1']);
  assert.ok(logAxis(1e-60, 1e60).ticks.length < 15);
  const { min, max } = logAxis(2, 2);
  assert.ok(min <= 2 && max > 2);
});
