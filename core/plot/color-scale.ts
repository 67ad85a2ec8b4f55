import { type Rgb, rampColor } from './color-ramp.ts';

/** From white to near black through blue: the lightness falls evenly, so it reads in grey print too. */
const STOPS: readonly Rgb[] = [
  [255, 255, 255],
  [208, 226, 243],
  [134, 186, 220],
  [50, 130, 190],
  [9, 74, 146],
  [7, 30, 75],
];

/**
 * Where a fraction stands on the scale, from 0 to 1. The square root spreads the few per cent that single
 * confusions have, which would all look white.
 */
export function scalePosition(fraction: number): number {
  return Math.sqrt(Math.min(1, Math.max(0, fraction)));
}

/** The colour of a position on the scale, as `#rrggbb`. */
export function scaleColor(position: number): string {
  const channels = rampColor(STOPS, position);
  return `#${channels.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}
