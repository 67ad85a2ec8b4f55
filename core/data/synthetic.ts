import { UserError } from '../errors.ts';
import { Random } from '../random.ts';
import { type ImageDataset, type ImageSplit, SPLIT_NAMES, type SplitName } from './dataset.ts';
import { emptySplit } from './split.ts';

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
function drawSynthetic(
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
  for (let y = 0, p = 0; y < size; y++) {
    for (let x = 0; x < size; x++, p++) {
      const along = 0.5 + (x - size / 2) * gx + (y - size / 2) * gy;
      for (let c = 0; c < 3; c++) out[c * plane + p] = clampByte(from[c]! + (to[c]! - from[c]!) * along);
    }
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
  // One draw serves three channels: a byte each, uniform in [-amplitude, amplitude].
  for (let byte = 0; byte < 256; byte++) NOISE[byte] = amplitude * (byte / 127.5 - 1);
  for (let row = 0, p = 0; row < size; row++) {
    const dy = row + 0.5 - centreY;
    for (let column = 0; column < size; column++, p++) {
      const dx = column + 0.5 - centreX;
      const x = dx * cos + dy * sin;
      const y = dy * cos - dx * sin;
      const coverage = mask.at(x, y);
      const noise = random.nextUint32();
      if (coverage > 0) {
        const mix = texture(x, y);
        for (let c = 0; c < 3; c++) {
          const below = out[c * plane + p]!;
          const shape = first[c]! + (second[c]! - first[c]!) * mix;
          out[c * plane + p] = clampByte(
            below + (shape - below) * coverage + NOISE[(noise >>> (8 * c)) & 255]!,
          );
        }
      } else {
        for (let c = 0; c < 3; c++) {
          out[c * plane + p] = clampByte(out[c * plane + p]! + NOISE[(noise >>> (8 * c)) & 255]!);
        }
      }
    }
  }
}

/** What a byte drawn adds to the image that is drawn. */
const NOISE = new Float64Array(256);

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
  return value < 0 ? 0 : value > 255 ? 255 : (value + 0.5) | 0;
}

/**
 * How much of the second of two colours is at a point of a shape, in [0, 1]; x and y are in shape units
 * (the shape spans about [-1, 1]) and turn with the shape.
 */
type Texture = (x: number, y: number) => number;

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

const TEXTURE_NAMES = Object.keys(TEXTURES);

/** @param index an index into {@link TEXTURE_NAMES} */
function textureOf(index: number): Texture {
  return TEXTURES[TEXTURE_NAMES[index]!]!;
}

/** Whether a point lies in the shape; all shapes fit the unit circle, give or take a tenth. */
type Inside = (x: number, y: number) => boolean;

/**
 * The shapes by name. No shape is another one turned or mirrored, so turning or flipping an image never
 * changes its class.
 */
const SHAPES: Record<string, Inside> = {
  disc: (x, y) => x * x + y * y < 0.9,
  ellipse: (x, y) => x * x + (y / 0.5) ** 2 < 1,
  ring: (x, y) => x * x + y * y < 1 && x * x + y * y > 0.36,
  semicircle: (x, y) => x * x + (y + 0.45) ** 2 < 1 && y > -0.45,
  crescent: (x, y) => x * x + y * y < 1 && (x - 0.5) ** 2 + y * y > 0.55,
  sector: (x, y) => x * x + y * y < 1 && Math.abs(Math.atan2(y, x)) > Math.PI / 4,
  flower: (x, y) => Math.hypot(x, y) < 0.68 + 0.32 * Math.cos(5 * Math.atan2(y, x)),
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) < 0.78,
  frame: (x, y) => Math.max(Math.abs(x), Math.abs(y)) < 0.82 && Math.max(Math.abs(x), Math.abs(y)) > 0.45,
  bar: (x, y) => Math.abs(x) < 1 && Math.abs(y) < 0.3,
  triangle: (x, y) => y < 0.5 && Math.abs(x) * Math.sqrt(3) < y + 1,
  rhombus: (x, y) => Math.abs(x) + Math.abs(y) / 0.55 < 1,
  star: (x, y) => {
    // Inside a five-pointed star: inside at least four of the five half-planes of the pentagram's lines.
    let inside = 0;
    for (let k = 0; k < 5; k++) {
      const angle = (k * 2 * Math.PI) / 5;
      if (x * Math.sin(angle) + y * Math.cos(angle) < 0.31) inside += 1;
    }
    return inside >= 4 && x * x + y * y < 1.05;
  },
  cross: (x, y) => Math.min(Math.abs(x), Math.abs(y)) < 0.28 && Math.max(Math.abs(x), Math.abs(y)) < 0.95,
  ell: (x, y) => Math.abs(x) < 0.75 && Math.abs(y) < 0.75 && (x < -0.2 || y > 0.2),
  tee: (x, y) => Math.abs(x) < 0.85 && Math.abs(y) < 0.8 && (y < -0.25 || Math.abs(x) < 0.25),
  horseshoe: (x, y) => {
    const outer = y < 0 ? Math.hypot(x, y) < 0.85 : Math.abs(x) < 0.85 && y < 0.85;
    const hole = y < 0 ? Math.hypot(x, y) < 0.4 : Math.abs(x) < 0.4;
    return outer && !hole;
  },
  hourglass: (x, y) => Math.abs(x) < Math.abs(y) * 0.9 + 0.06 && Math.abs(y) < 0.85,
  chevron: (x, y) => Math.abs(x) < 0.95 && y - Math.abs(x) * 0.8 > -0.8 && y - Math.abs(x) * 0.8 < -0.05,
  heart: (x, y) => {
    const u = x * 1.2;
    const v = -y * 1.2 + 0.1;
    return (u * u + v * v - 1) ** 3 - u * u * v ** 3 < 0;
  },
};

export const SHAPE_NAMES = Object.keys(SHAPES);

/** Side of a mask in cells, and the half-width of the square it covers in shape units. */
const CELLS = 48;
const EXTENT = 1.2;
const SAMPLES = 4;

/**
 * How much of the surroundings of a point the shape covers: a mask sampled once per shape, whose cells are
 * about as large as half a pixel of a drawn shape, so that interpolating in it gives smooth edges.
 */
export class ShapeMask {
  readonly #cells = new Float32Array(CELLS * CELLS);

  /** @param shape an index into {@link SHAPE_NAMES} */
  constructor(shape: number) {
    const inside = SHAPES[SHAPE_NAMES[shape]!]!;
    for (let row = 0; row < CELLS; row++) {
      for (let column = 0; column < CELLS; column++) {
        let hits = 0;
        for (let s = 0; s < SAMPLES * SAMPLES; s++) {
          const x = column + ((s % SAMPLES) + 0.5) / SAMPLES;
          const y = row + (Math.floor(s / SAMPLES) + 0.5) / SAMPLES;
          if (inside((x / CELLS) * 2 * EXTENT - EXTENT, (y / CELLS) * 2 * EXTENT - EXTENT)) hits += 1;
        }
        this.#cells[row * CELLS + column] = hits / (SAMPLES * SAMPLES);
      }
    }
  }

  /** Coverage in [0, 1] at a point in shape units; 0 outside the mask. */
  at(x: number, y: number): number {
    const column = ((x + EXTENT) / (2 * EXTENT)) * CELLS - 0.5;
    const row = ((y + EXTENT) / (2 * EXTENT)) * CELLS - 0.5;
    if (!(column >= 0 && row >= 0 && column < CELLS - 1 && row < CELLS - 1)) return 0;
    const left = Math.floor(column);
    const top = Math.floor(row);
    const fx = column - left;
    const fy = row - top;
    const at = top * CELLS + left;
    const upper = this.#cells[at]! * (1 - fx) + this.#cells[at + 1]! * fx;
    const lower = this.#cells[at + CELLS]! * (1 - fx) + this.#cells[at + CELLS + 1]! * fx;
    return upper * (1 - fy) + lower * fy;
  }
}

const SIZE = 32;
const IMAGE_BYTES = 3 * SIZE * SIZE;
const CLASSES = SHAPE_NAMES.length * TEXTURE_NAMES.length;

/** Images that are drawn for training unless told otherwise. */
export const SYNTHETIC_TRAIN = 10_000;

export interface SyntheticOptions {
  /** Images to draw for training; default 10,000. */
  train?: number;
  /** Images to draw for testing; default 2,000. */
  test?: number;
  /** Another seed gives other images of the same classes; default 0. */
  seed?: number;
  /** The splits to draw; the others come back empty. Default both. */
  splits?: readonly SplitName[];
  /** Chooses of the `total` images of a split those to draw, by their indices; default all. */
  pick?: ((total: number) => readonly number[]) | undefined;
}

/**
 * The dataset `synthetic`: drawn by code, so that everything can be tried without a download. 100 classes, a
 * shape in a texture each ("striped triangle"), 20 superclasses, the shapes; 3 x 32 x 32 like CIFAR-100.
 * Image `i` is of class `i % 100` and depends on seed, split and `i` alone.
 * @throws UserError if a count is not a whole number
 */
export function makeSynthetic(options: SyntheticOptions = {}): ImageDataset {
  const { train = SYNTHETIC_TRAIN, test = 2_000, seed = 0, splits = SPLIT_NAMES, pick } = options;
  for (const [name, count] of Object.entries({ train, test })) {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new UserError(`the number of synthetic ${name} images must be a whole number, not ${count}`);
    }
  }
  const ofClass = new Uint16Array(CLASSES);
  const labels: string[] = [];
  for (let k = 0; k < CLASSES; k++) {
    ofClass[k] = shapeOf(k);
    labels.push(`${TEXTURE_NAMES[k % TEXTURE_NAMES.length]} ${SHAPE_NAMES[shapeOf(k)]}`);
  }
  const draw = (split: SplitName, count: number, stream: number): ImageSplit => {
    if (!splits.includes(split)) return emptySplit();
    return drawImages(pick?.(count) ?? Array.from({ length: count }, (_, i) => i), seed, stream);
  };
  return {
    name: 'synthetic',
    channels: 3,
    height: SIZE,
    width: SIZE,
    labels,
    superclasses: { names: [...SHAPE_NAMES], ofClass },
    // Measured on the default training split.
    normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
    train: draw('train', train, 0),
    test: draw('test', test, 1),
  };
}

/** @param indices of the images of the split, in the order in which they are to come */
function drawImages(indices: readonly number[], seed: number, stream: number): ImageSplit {
  const count = indices.length;
  const images = new Uint8Array(new SharedArrayBuffer(count * IMAGE_BYTES));
  const labels = new Uint16Array(new SharedArrayBuffer(count * Uint16Array.BYTES_PER_ELEMENT));
  for (const [at, i] of indices.entries()) {
    const label = i % CLASSES;
    labels[at] = label;
    const image = images.subarray(at * IMAGE_BYTES, (at + 1) * IMAGE_BYTES);
    const texture = textureOf(label % TEXTURE_NAMES.length);
    drawSynthetic(image, SIZE, maskOf(shapeOf(label)), texture, new Random(seed, stream, i));
  }
  return { count, images, labels };
}

/** Made when the first image of a shape is drawn. */
const masks: ShapeMask[] = [];

function maskOf(shape: number): ShapeMask {
  masks[shape] ??= new ShapeMask(shape);
  return masks[shape];
}

function shapeOf(label: number): number {
  return Math.floor(label / TEXTURE_NAMES.length);
}
