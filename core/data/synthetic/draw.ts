import type { Random } from '../../random.ts';
import type { ShapeMask } from './shapes.ts';
import type { Texture } from './textures.ts';

type Color = [number, number, number];

/** Least squared RGB distance between colours that must be told apart. */
const CONTRAST = 110 ** 2;
const MAX_BLOBS = 3;
/** Largest turn of a shape either way, in radians. */
const MAX_TURN = (40 / 180) * Math.PI;

/**
 * Draws one image: a gradient background with blobs of clutter, the textured shape at a random place, size,
 * angle and in random colours, and noise over everything.
 * @param out 3 * size * size bytes, channel-planar, overwritten
 * @param size height and width in pixels
 */
export function drawSynthetic(
  out: Uint8Array,
  size: number,
  mask: ShapeMask,
  texture: Texture,
  random: Random,
): void {
  const plane = size * size;
  const from = dullColor(random);
  const to = nearbyColor(from, random);
  const first = contrastingColor([from, to], random);
  const second = contrastingColor([from, to, first], random);
  const gradient = random.uniform() * 2 * Math.PI;
  const gx = Math.cos(gradient) / size;
  const gy = Math.sin(gradient) / size;
  for (let p = 0; p < plane; p++) {
    const along = 0.5 + ((p % size) - size / 2) * gx + (Math.floor(p / size) - size / 2) * gy;
    for (let c = 0; c < 3; c++) out[c * plane + p] = clampByte(from[c]! + (to[c]! - from[c]!) * along);
  }
  for (let blobs = random.integer(MAX_BLOBS + 1); blobs > 0; blobs--) drawBlob(out, size, from, random);

  const radius = size * (0.26 + 0.16 * random.uniform());
  const slack = Math.max(0, size / 2 - radius * 0.9);
  const centreX = size / 2 + slack * (2 * random.uniform() - 1);
  const centreY = size / 2 + slack * (2 * random.uniform() - 1);
  const angle = MAX_TURN * (2 * random.uniform() - 1);
  const cos = Math.cos(angle) / radius;
  const sin = Math.sin(angle) / radius;
  const amplitude = 8 + 24 * random.uniform();
  for (let p = 0; p < plane; p++) {
    const dx = (p % size) + 0.5 - centreX;
    const dy = Math.floor(p / size) + 0.5 - centreY;
    const x = dx * cos + dy * sin;
    const y = dy * cos - dx * sin;
    const coverage = mask.at(x, y);
    const mix = coverage > 0 ? texture(x, y) : 0;
    const noise = random.nextUint32();
    for (let c = 0; c < 3; c++) {
      const at = c * plane + p;
      let value = out[at]!;
      if (coverage > 0) value += (first[c]! + (second[c]! - first[c]!) * mix - value) * coverage;
      // One draw serves three channels: a byte each, uniform in [-amplitude, amplitude].
      value += amplitude * (((noise >>> (8 * c)) & 255) / 127.5 - 1);
      out[at] = clampByte(value);
    }
  }
}

/** A small disc in a colour near the background's, which is part of no shape. */
function drawBlob(out: Uint8Array, size: number, near: Color, random: Random): void {
  const color = nearbyColor(near, random);
  const radius = size * (0.06 + 0.1 * random.uniform());
  const centreX = size * random.uniform();
  const centreY = size * random.uniform();
  for (let y = Math.max(0, Math.floor(centreY - radius)); y < Math.min(size, centreY + radius); y++) {
    for (let x = Math.max(0, Math.floor(centreX - radius)); x < Math.min(size, centreX + radius); x++) {
      if ((x + 0.5 - centreX) ** 2 + (y + 0.5 - centreY) ** 2 > radius * radius) continue;
      for (let c = 0; c < 3; c++) out[(c * size + y) * size + x] = clampByte(color[c]!);
    }
  }
}

function randomColor(random: Random): Color {
  return [random.integer(256), random.integer(256), random.integer(256)];
}

/** A colour near the greys: backgrounds are duller than shapes, as in photographs of objects. */
function dullColor(random: Random): Color {
  const grey = 30 + random.integer(196);
  const tint = (): number => 80 * random.uniform() - 40;
  return [grey + tint(), grey + tint(), grey + tint()];
}

function nearbyColor(color: Color, random: Random): Color {
  const shift = (): number => 80 * random.uniform() - 40;
  return [color[0] + shift(), color[1] + shift(), color[2] + shift()];
}

/** A colour far from each of the others; the farthest of a few tries where the others leave little room. */
function contrastingColor(others: readonly Color[], random: Random): Color {
  let best = randomColor(random);
  for (let tries = 0; tries < 30 && nearest(best, others) < CONTRAST; tries++) {
    const next = randomColor(random);
    if (nearest(next, others) > nearest(best, others)) best = next;
  }
  return best;
}

function nearest(color: Color, others: readonly Color[]): number {
  return Math.min(
    ...others.map((o) => (color[0] - o[0]) ** 2 + (color[1] - o[1]) ** 2 + (color[2] - o[2]) ** 2),
  );
}

function clampByte(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : Math.round(value);
}
