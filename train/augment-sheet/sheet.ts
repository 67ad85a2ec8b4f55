import type { ImageDataset, Normalization } from '../../core/data/dataset.ts';
import { BatchMaker } from '../loader/batch-maker.ts';
import { epochOrder } from '../loader/epoch-order.ts';
import type { Augmentation } from '../recipe/settings.ts';
import { Canvas } from './canvas.ts';

/** Pixels between two images, and more after the column of originals. */
const GAP = 1;
const WIDE_GAP = 4;

export interface SheetOptions {
  /** Rows: training images, drawn by the seed. */
  images: number;
  /** Columns beside the originals: the images as in so many epochs. */
  variants: number;
  seed: number;
  augment: Augmentation;
}

/**
 * Draws training images beside what the loader makes of them: a row an image, the original first. The rows are
 * a batch, so CutMix and MixUp mix them with each other.
 */
export function drawSheet(dataset: ImageDataset, options: SheetOptions): Canvas {
  const { height, width, train, normalization } = dataset;
  const { images: rows, variants, seed, augment } = options;
  const classes = dataset.labels.length;
  const maker = new BatchMaker({
    ...train,
    height,
    width,
    normalization,
    classes,
    labelSmoothing: 0,
    seed,
    augment,
  });
  const indices = epochOrder(train.count, seed, 0).slice(0, rows);
  const canvas = new Canvas(
    rows * (height + GAP) - GAP,
    width + (variants > 0 ? WIDE_GAP - GAP : 0) + variants * (width + GAP),
  );
  const length = 3 * height * width;
  for (const [row, index] of indices.entries()) {
    canvas.draw(
      train.images.subarray(index * length, (index + 1) * length),
      dataset,
      row * (height + GAP),
      0,
    );
  }
  const batch = {
    images: new Float32Array(rows * length),
    labels: new Int32Array(rows),
    targets: new Float32Array(rows * classes),
  };
  for (let epoch = 0; epoch < variants; epoch++) {
    maker.make(epoch, 0, indices, batch);
    const left = width + WIDE_GAP + epoch * (width + GAP);
    for (let row = 0; row < rows; row++) {
      const image = toBytes(batch.images.subarray(row * length, (row + 1) * length), normalization);
      canvas.draw(image, dataset, row * (height + GAP), left);
    }
  }
  return canvas;
}

/** Takes the normalisation back. */
function toBytes(image: Float32Array, { mean, std }: Normalization): Uint8ClampedArray {
  const pixels = image.length / 3;
  return Uint8ClampedArray.from(image, (value, i) => {
    const channel = Math.floor(i / pixels);
    return 255 * (value * std[channel]! + mean[channel]!);
  });
}
