// Ours: d3-scale would bring eight packages, into the page too, for these 80 lines, and labels log axes otherwise.

/** Where an axis has its marks, and the ends it is drawn to. */
export interface Axis {
  min: number;
  max: number;
  ticks: { value: number; label: string }[];
}

/** Ranges narrower than this share of their values hold nothing but rounding errors. */
const NARROWEST = 1e-12;

/**
 * An axis over `min..max` with ticks at multiples of 1, 2 or 5 times a power of ten.
 * @param options.count about how many ticks
 * @param options.integers ticks at whole numbers only
 * @param options.tight ends at `min` and `max`; else the ends move out to the next ticks
 */
export function linearAxis(
  min: number,
  max: number,
  options: { count?: number; integers?: boolean; tight?: boolean } = {},
): Axis {
  const { count = 5, integers = false, tight = false } = options;
  const [low, high] = widen(min, max);
  const step = Math.max(niceStep((high - low) / count), integers ? 1 : 0);
  const first = tight ? Math.ceil(low / step - NARROWEST) : Math.floor(low / step + NARROWEST);
  const last = tight ? Math.floor(high / step + NARROWEST) : Math.ceil(high / step - NARROWEST);
  const ticks: Axis['ticks'] = [];
  for (let i = first; i <= last; i++) {
    // i * step has errors such as 0.30000000000000004.
    const value = Number((i * step).toPrecision(12));
    ticks.push({ value, label: tickLabel(value, step) });
  }
  return tight ? { min: low, max: high, ticks } : { min: first * step, max: last * step, ticks };
}

/** A logarithmic axis over `min..max`, both positive, with ticks at powers of ten and simple multiples of them. */
export function logAxis(min: number, max: number): Axis {
  const decades = Math.log10(max / min);
  const multiples = decades > 3 ? [1] : decades > 1 ? [1, 2, 5] : [1, 2, 3, 4, 5, 6, 8];
  const firstDecade = Math.floor(Math.log10(min)) - 1;
  const lastDecade = Math.ceil(Math.log10(max)) + 1;
  const stride = Math.max(1, Math.ceil(decades / 8));
  const values: number[] = [];
  for (let decade = firstDecade; decade <= lastDecade; decade++) {
    if (decade % stride !== 0 && decades > 3) continue;
    for (const multiple of multiples) values.push(Number(`${multiple}e${decade}`));
  }
  const low = values.findLast((value) => value <= min) ?? min;
  const high = values.find((value) => value >= max && value > low) ?? max;
  const ticks = values
    .filter((value) => value >= low && value <= high)
    .map((value) => ({ value, label: tickLabel(value, value) }));
  return { min: low, max: high, ticks };
}

/** A range with some width around values that are all the same. */
function widen(min: number, max: number): [number, number] {
  const size = Math.max(Math.abs(min), Math.abs(max));
  if (max - min > size * NARROWEST) return [min, max];
  const margin = size === 0 ? 1 : size / 10;
  return [min - margin, max + margin];
}

function niceStep(raw: number): number {
  const exponent = Math.floor(Math.log10(raw));
  const leading = raw / 10 ** exponent;
  const nice = leading <= 1 ? 1 : leading <= 2 ? 2 : leading <= 5 ? 5 : 10;
  return Number(`${nice}e${exponent}`);
}

/** A tick's value with the digits that tell it from the next tick, `step` away. */
export function tickLabel(value: number, step: number): string {
  if (value === 0) return '0';
  const stepExponent = Math.floor(Math.log10(step) + NARROWEST);
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) {
    const digits = Math.max(0, Math.floor(Math.log10(size) + NARROWEST) - stepExponent);
    return value.toExponential(Math.min(digits, 20)).replace('e+', 'e');
  }
  return value.toFixed(Math.max(0, Math.min(20, -stepExponent)));
}
