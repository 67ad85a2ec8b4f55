import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../core/random.ts';
import { activationParameters, roundHalfEven } from '../../export/quantize/quantize-weight.ts';

const quantize = (value: number, scale: number, zeroPoint: number) =>
  Math.min(255, Math.max(0, roundHalfEven(value / scale) + zeroPoint));

describe('scale and zero point of an activation', () => {
  it('bring every value of the range back to half a step', () => {
    const random = new Random(1);
    for (let i = 0; i < 200; i++) {
      const [min, max] = [-Math.exp(4 * random.normal()), Math.exp(4 * random.normal())];
      const { scale, zeroPoint } = activationParameters({ min, max });
      for (let step = 0; step <= 50; step++) {
        const value = min + ((max - min) * step) / 50;
        const back = scale * (quantize(value, scale, zeroPoint) - zeroPoint);
        // Ends may lie half a step out, where the zero point was rounded.
        assert.ok(Math.abs(back - value) <= scale * 1.0001, `${value} of [${min}, ${max}] became ${back}`);
        const inside = value > min + scale / 2 && value < max - scale / 2;
        if (inside) assert.ok(Math.abs(back - value) <= scale * 0.5001, `${value} became ${back}`);
      }
      assert.equal(scale * (quantize(0, scale, zeroPoint) - zeroPoint), 0);
    }
  });

  it('take in zero where the range does not', () => {
    assert.deepEqual(activationParameters({ min: 1, max: 5.1 }), {
      scale: Math.fround(5.1 / 255),
      zeroPoint: 0,
    });
    assert.deepEqual(activationParameters({ min: -51, max: -1 }), {
      scale: Math.fround(0.2),
      zeroPoint: 255,
    });
  });

  it('exist for a tensor of zeros, and of values near it', () => {
    assert.deepEqual(activationParameters({ min: 0, max: 0 }), { scale: 1, zeroPoint: 0 });
    assert.deepEqual(activationParameters({ min: 0, max: 1e-46 }), { scale: 1, zeroPoint: 0 });
  });

  it('round halves to even', () => {
    const values = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49, -0.51, 3];
    assert.deepEqual(
      values.map((value) => roundHalfEven(value) + 0),
      [0, 2, 2, 0, -2, -2, 0, -1, 3],
    );
  });
});
