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
