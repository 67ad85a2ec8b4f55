import { createHash } from 'node:crypto';
import type { ImageDataset, ImageSplit } from '../dataset.ts';

export const PARTS = ['train', 'validation', 'test'] as const;
export type Part = (typeof PARTS)[number];

/** An image by its split and its place in it. */
export interface ImagePlace {
  split: Part;
  index: number;
  label: number;
}

/** Images of one and the same pixels, two at least, in the order of splits and places. */
export type DuplicateGroup = ImagePlace[];

/** All images that stand in a dataset more than once, in any split. */
export function findDuplicates(dataset: Pick<ImageDataset, Part>): DuplicateGroup[] {
  const groups = new Map<string, DuplicateGroup>();
  for (const part of PARTS) {
    const split = dataset[part];
    if (!split) continue;
    for (let index = 0; index < split.count; index++) {
      const place = { split: part, index, label: split.labels[index]! };
      const key = fingerprint(split, index);
      const group = groups.get(key);
      if (group) group.push(place);
      else groups.set(key, [place]);
    }
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

/** The test images, by their place, whose pixels stand in the training set too. */
export function testImagesInTraining({ train, test }: Pick<ImageDataset, 'train' | 'test'>): Set<number> {
  const known = new Set<string>();
  for (let index = 0; index < train.count; index++) known.add(fingerprint(train, index));
  const found = new Set<number>();
  for (let index = 0; index < test.count; index++) if (known.has(fingerprint(test, index))) found.add(index);
  return found;
}

function fingerprint({ images, count }: ImageSplit, index: number): string {
  const bytes = images.length / count;
  return createHash('sha256')
    .update(images.subarray(index * bytes, (index + 1) * bytes))
    .digest('base64');
}
