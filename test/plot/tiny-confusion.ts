import type { ImageDataset } from '../../core/data/dataset.ts';
import { ConfusionMatrix } from '../../core/metrics/confusion-matrix.ts';

/** 3 classes, c and a of one superclass. */
export const tiny: Pick<ImageDataset, 'name' | 'labels' | 'superclasses'> = {
  name: 'tiny',
  labels: ['a_1', 'b<&', 'c'],
  superclasses: { names: ['second', 'first'], ofClass: Uint16Array.of(1, 0, 1) },
};

export function tinyMatrix(): ConfusionMatrix {
  const matrix = new ConfusionMatrix(3);
  for (let i = 0; i < 4; i++) matrix.count(0, i === 0 ? 2 : 0);
  matrix.count(1, 1);
  matrix.count(2, 1);
  return matrix;
}
