import type { ConfusionMatrix } from './confusion-matrix.ts';

/** How well one class is told apart. Fractions in [0, 1]. */
export interface ClassReport {
  index: number;
  name: string;
  images: number;
  correct: number;
  /** The class's images that were recognised (recall); NaN without images. */
  accuracy: number;
  /** The predictions of the class that were right; NaN where it was never predicted. */
  precision: number;
  /** The classes that its images were most often taken for, at most three. */
  confusedWith: { index: number; name: string; images: number }[];
}

const CONFUSIONS = 3;

/**
 * A report on every class, by index.
 * @param names [classes]
 */
export function classReports(matrix: ConfusionMatrix, names: readonly string[]): ClassReport[] {
  return Array.from({ length: matrix.classes }, (_, index) => {
    const images = matrix.images(index);
    const correct = matrix.at(index, index);
    return {
      index,
      name: names[index]!,
      images,
      correct,
      accuracy: correct / images,
      precision: correct / matrix.predictions(index),
      confusedWith: confusions(matrix, index, names),
    };
  });
}

function confusions(
  matrix: ConfusionMatrix,
  label: number,
  names: readonly string[],
): ClassReport['confusedWith'] {
  return Array.from({ length: matrix.classes }, (_, index) => index)
    .filter((index) => index !== label && matrix.at(label, index) > 0)
    .map((index) => ({ index, name: names[index]!, images: matrix.at(label, index) }))
    .sort((a, b) => b.images - a.images || a.index - b.index)
    .slice(0, CONFUSIONS);
}

/** Classes with images, best first; equals keep their order. */
export function byAccuracy(reports: readonly ClassReport[]): ClassReport[] {
  return reports.filter(({ images }) => images > 0).sort((a, b) => b.accuracy - a.accuracy);
}
