import type { Normalization } from '../../../core/data/dataset.ts';
import { Normalizer } from '../../../core/preprocess/normalize.ts';
import { HorizontalFlip } from '../../../train/loader/augment/horizontal-flip.ts';
import { RandomCrop } from '../../../train/loader/augment/random-crop.ts';
import type { Example } from './examples.ts';
import type { TrainingData } from './fit.ts';

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
  const transforms = augment ? [new RandomCrop(size, 4), new HorizontalFlip(size)] : [];
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
