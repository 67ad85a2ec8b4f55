import type { Normalization } from '../../../core/data/dataset.ts';
import { Normalizer } from '../../../core/preprocess/normalize.ts';
import { prepareImage } from '../../../core/preprocess/prepare-image.ts';
import { HorizontalFlip } from '../../../train/loader/augment/horizontal-flip.ts';
import { RandomCrop } from '../../../train/loader/augment/random-crop.ts';
import { decodePicture } from '../worker/picture.ts';
import type { TrainingData } from './fit.ts';
import type { ExampleImage } from './protocol.ts';

/** A picture ready to be learnt from. */
export interface Example {
  /** 3 * height * width bytes, channel-planar. */
  pixels: Uint8Array;
  label: number;
}

/**
 * Decodes pictures and brings them to a network's size, as for a prediction.
 * @throws UserError naming the first that cannot be read; AbortError if the signal is aborted
 */
export async function prepareExamples(
  images: readonly { image: ExampleImage; label: number }[],
  size: { width: number; height: number },
  signal: AbortSignal,
): Promise<Example[]> {
  const examples: Example[] = [];
  for (const { image, label } of images) {
    signal.throwIfAborted();
    const decoded = image instanceof Blob ? await decodePicture(image) : image;
    const { data } = prepareImage(decoded, size);
    const plane = size.width * size.height;
    const pixels = new Uint8Array(3 * plane);
    for (let p = 0; p < plane; p++) for (let c = 0; c < 3; c++) pixels[c * plane + p] = data[p * 3 + c]!;
    examples.push({ pixels, label });
  }
  return examples;
}

/** Pictures of a class below this are all trained on: holding one out would cost more than it tells. */
const ENOUGH = 5;

export interface SplitExamples<T> {
  train: { image: T; label: number }[];
  heldOut: { image: T; label: number }[];
}

/** Holds out every fifth picture of the classes that have enough. */
export function splitExamples<T>(classes: readonly { images: readonly T[] }[]): SplitExamples<T> {
  const split: SplitExamples<T> = { train: [], heldOut: [] };
  classes.forEach(({ images }, label) => {
    images.forEach((image, i) => {
      const hold = images.length >= ENOUGH && i % ENOUGH === ENOUGH - 1;
      split[hold ? 'heldOut' : 'train'].push({ image, label });
    });
  });
  return split;
}

/** The pictures, and each once more mirrored left to right. */
export function withMirrored(examples: readonly Example[], width: number): Example[] {
  return examples.flatMap((example) => {
    const pixels = example.pixels.slice();
    for (let row = 0; row < pixels.length; row += width) pixels.subarray(row, row + width).reverse();
    return [example, { ...example, pixels }];
  });
}

/**
 * Pictures as training data.
 * @param augment shift and mirror them at random, as the trainer's standard augmentation does
 */
export function pixelData(
  examples: readonly Example[],
  size: { width: number; height: number },
  normalization: Normalization,
  augment: boolean,
): TrainingData {
  const normalizer = new Normalizer(normalization);
  const plane = size.width * size.height;
  const shift = Math.round(Math.min(size.width, size.height) / 8);
  const transforms = augment ? [new RandomCrop(size, shift), new HorizontalFlip(size)] : [];
  const work = new Uint8Array(3 * plane);
  return {
    count: examples.length,
    length: 3 * plane,
    labels: examples.map(({ label }) => label),
    write: (index, out, offset, random) => {
      work.set(examples[index]!.pixels);
      for (const transform of transforms) transform.apply(work, random);
      normalizer.planar(work, 0, out, offset, plane);
    },
  };
}
