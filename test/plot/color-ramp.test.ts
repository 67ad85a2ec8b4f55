import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Rgb, rampColor } from '../../core/plot/color-ramp.ts';

const STOPS: readonly Rgb[] = [
  [0, 100, 255],
  [100, 100, 55],
  [101, 0, 255],
];

describe('a ramp of colours', () => {
  it('goes through its stops, in a straight line between them', () => {
    assert.deepEqual(rampColor(STOPS, 0), [0, 100, 255]);
    assert.deepEqual(rampColor(STOPS, 0.5), [100, 100, 55]);
    assert.deepEqual(rampColor(STOPS, 1), [101, 0, 255]);
    assert.deepEqual(rampColor(STOPS, 0.125), [25, 100, 205]);
    assert.deepEqual(rampColor(STOPS, 0.9), [101, 20, 215]);
  });

  it('stays at its ends beyond them', () => {
    assert.deepEqual(rampColor(STOPS, -3), rampColor(STOPS, 0));
    assert.deepEqual(rampColor(STOPS, 7), rampColor(STOPS, 1));
  });
});
