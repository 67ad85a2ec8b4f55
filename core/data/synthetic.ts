import { UserError } from '../errors.ts';
import { Random } from '../random.ts';
import { type ImageDataset, type ImageSplit, SPLIT_NAMES, type SplitName } from './dataset.ts';
import { emptySplit } from './split.ts';
import { drawSynthetic } from './synthetic/draw.ts';
import { SHAPE_NAMES, ShapeMask } from './synthetic/shapes.ts';
import { TEXTURE_NAMES, textureOf } from './synthetic/textures.ts';

const SIZE = 32;
const IMAGE_BYTES = 3 * SIZE * SIZE;
const CLASSES = SHAPE_NAMES.length * TEXTURE_NAMES.length;

export interface SyntheticOptions {
  /** Images to draw for training; default 10,000. */
  train?: number;
  /** Images to draw for testing; default 2,000. */
  test?: number;
  /** Another seed gives other images of the same classes; default 0. */
  seed?: number;
  /** The splits to draw; the others come back empty. Default both. */
  splits?: readonly SplitName[];
}

/**
 * The dataset `synthetic`: drawn by code, so that everything can be tried without a download. 100 classes, a
 * shape in a texture each ("striped triangle"), 20 superclasses, the shapes; 3 x 32 x 32 like CIFAR-100.
 * Image `i` is of class `i % 100` and depends on seed, split and `i` alone.
 * @throws UserError if a count is not a whole number
 */
export function makeSynthetic(options: SyntheticOptions = {}): ImageDataset {
  const { train = 10_000, test = 2_000, seed = 0, splits = SPLIT_NAMES } = options;
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
  const masks = SHAPE_NAMES.map((_, shape) => new ShapeMask(shape));
  return {
    name: 'synthetic',
    channels: 3,
    height: SIZE,
    width: SIZE,
    labels,
    superclasses: { names: [...SHAPE_NAMES], ofClass },
    // Measured on the default training split.
    normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
    train: splits.includes('train') ? drawSplit(train, masks, seed, 0) : emptySplit(),
    test: splits.includes('test') ? drawSplit(test, masks, seed, 1) : emptySplit(),
  };
}

function drawSplit(count: number, masks: readonly ShapeMask[], seed: number, stream: number): ImageSplit {
  const images = new Uint8Array(new SharedArrayBuffer(count * IMAGE_BYTES));
  const labels = new Uint16Array(new SharedArrayBuffer(count * Uint16Array.BYTES_PER_ELEMENT));
  for (let i = 0; i < count; i++) {
    const label = i % CLASSES;
    labels[i] = label;
    const image = images.subarray(i * IMAGE_BYTES, (i + 1) * IMAGE_BYTES);
    const texture = textureOf(label % TEXTURE_NAMES.length);
    drawSynthetic(image, SIZE, masks[shapeOf(label)]!, texture, new Random(seed, stream, i));
  }
  return { count, images, labels };
}

function shapeOf(label: number): number {
  return Math.floor(label / TEXTURE_NAMES.length);
}
