import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DARK, LIGHT } from '../../core/plot/line-chart.ts';

type Rgb = [number, number, number];

/** Linear light, 0 to 1. */
function linear(hex: string): Rgb {
  return [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
}

const dot = (row: Rgb, [r, g, b]: Rgb) => row[0] * r + row[1] * g + row[2] * b;
const luminance = (color: Rgb) => dot([0.2126, 0.7152, 0.0722], color);

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(linear(a)), luminance(linear(b))].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

/** CIELAB under D65. */
function lab(color: Rgb): Rgb {
  const f = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = f(dot([0.4124, 0.3576, 0.1805], color) / 0.9505);
  const y = f(luminance(color));
  const z = f(dot([0.0193, 0.1192, 0.9505], color) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

// Machado, Oliveira and Fernandes (2009), severity 1.
const VISIONS: Record<string, [Rgb, Rgb, Rgb]> = {
  full: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
};

test('lines and text stand out from the ground', () => {
  for (const theme of [LIGHT, DARK]) {
    for (const color of theme.series) assert.ok(contrast(color, theme.background) >= 3, color);
    for (const color of [theme.text, theme.muted]) assert.ok(contrast(color, theme.background) >= 4.5, color);
  }
});

test('colours can be told apart, with red-green deficiencies too', () => {
  assert.equal(LIGHT.series.length, DARK.series.length);
  for (const theme of [LIGHT, DARK]) {
    for (const [vision, rows] of Object.entries(VISIONS)) {
      const seen = theme.series.map((hex) =>
        lab(rows.map((row) => Math.min(1, Math.max(0, dot(row, linear(hex))))) as Rgb),
      );
      for (const [i, a] of seen.entries()) {
        for (const [j, b] of seen.entries()) {
          if (i >= j) continue;
          const distance = Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
          assert.ok(distance > 18, `${theme.series[i]} and ${theme.series[j]}, ${vision}: ${distance}`);
        }
      }
    }
  }
});
