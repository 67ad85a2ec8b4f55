import type { ImageDataset } from '../data/dataset.ts';

/** Classes that stand together in a picture. */
export interface ClassGroup {
  /** The superclass; undefined where the dataset has none. */
  name: string | undefined;
  /** Class indices. */
  classes: number[];
}

/** The classes by superclass, those of a superclass by index; one group without superclasses. */
export function classGroups(dataset: Pick<ImageDataset, 'labels' | 'superclasses'>): ClassGroup[] {
  const indices = dataset.labels.map((_, index) => index);
  const { superclasses } = dataset;
  if (!superclasses) return [{ name: undefined, classes: indices }];
  return superclasses.names
    .map((name, group) => ({
      name,
      classes: indices.filter((index) => superclasses.ofClass[index] === group),
    }))
    .filter(({ classes }) => classes.length > 0);
}
