/**
 * How much of the second of two colours is at a point of a shape, in [0, 1]; x and y are in shape units
 * (the shape spans about [-1, 1]) and turn with the shape.
 */
export type Texture = (x: number, y: number) => number;

/** Turns a wave in [-1, 1] into soft-edged bands. */
function band(wave: number): number {
  return Math.min(1, Math.max(0, wave * 1.5 + 0.5));
}

const FREQUENCY = 2.5 * Math.PI;

/** The textures by the adjective that they give the class name. */
const TEXTURES: Record<string, Texture> = {
  plain: () => 0,
  striped: (x, y) => band(Math.sin(FREQUENCY * (0.8 * x + 0.6 * y))),
  checkered: (x, y) => band(2 * Math.sin(FREQUENCY * x) * Math.sin(FREQUENCY * y)),
  spotted: (x, y) => band(1.5 * Math.cos(FREQUENCY * x) * Math.cos(FREQUENCY * y) - 0.8),
  shaded: (x, y) => Math.min(1, Math.max(0, 0.5 + 0.55 * (0.9 * x - 0.4 * y))),
};

export const TEXTURE_NAMES = Object.keys(TEXTURES);

/** @param index an index into {@link TEXTURE_NAMES} */
export function textureOf(index: number): Texture {
  return TEXTURES[TEXTURE_NAMES[index]!]!;
}
