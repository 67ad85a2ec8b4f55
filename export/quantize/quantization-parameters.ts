/** The values of a tensor that its quantised form can tell apart; beyond, they are clipped. */
export interface Range {
  min: number;
  max: number;
}

/** `real = scale * (quantised - zeroPoint)`, quantised an unsigned byte. */
export interface ActivationParameters {
  /** A float32 value, above zero. */
  scale: number;
  zeroPoint: number;
}

const LEVELS = 255;

/**
 * Scale and zero point of a uint8 tensor that spans a range, widened to hold zero, which is represented
 * exactly: padding and ReLU give many zeros (Jacob et al. 2018, arXiv:1712.05877, section 2.1).
 */
export function activationParameters(range: Range): ActivationParameters {
  const min = Math.min(range.min, 0);
  const max = Math.max(range.max, 0);
  const scale = Math.fround((max - min) / LEVELS);
  // Also where the span is too small for a float32: such a tensor is as good as zero.
  if (!(scale > 0)) return { scale: 1, zeroPoint: 0 };
  return { scale, zeroPoint: Math.min(LEVELS, Math.max(0, roundHalfEven(-min / scale))) };
}

/** Rounds to the nearest whole number, halves to the even one, as QuantizeLinear does. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  if (fraction !== 0.5) return fraction < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
