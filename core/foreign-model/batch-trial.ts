import { errorMessage } from '../errors.ts';

/** The share of the largest score by which rounding may make scores differ. */
const TOLERANCE = 0.01;

/**
 * Tries whether images in one batch come out as each by itself: a graph may say that it takes any number and have one
 * baked in, or let images of a batch change each other's scores.
 * @param run gives the scores of some images, in one run
 * @param images at least three
 * @param rows the scores of each, of a run by itself
 * @param sizes the batches to try
 * @returns why they do not, e.g. `it fails with 2 images at once`; undefined if they do
 */
export async function findBatchProblem(
  run: (images: readonly Float32Array[]) => Promise<ArrayLike<number>>,
  images: readonly Float32Array[],
  rows: readonly ArrayLike<number>[],
  sizes: readonly number[],
): Promise<string | undefined> {
  for (const size of sizes) {
    // Another image first each time: that a net looks at the first one only shows no other way.
    const chosen = Array.from({ length: size }, (_, i) => (i + size) % images.length);
    let together: ArrayLike<number>;
    try {
      together = await run(chosen.map((index) => images[index]!));
    } catch (error) {
      const [, node] = /while running (\w+) node/.exec(errorMessage(error)) ?? [];
      return `it fails with ${size} images at once${node === undefined ? '' : ` in its ${node}`}`;
    }
    const apart = chosen.flatMap((index) => Array.from(rows[index]!));
    if (!sameScores(together, apart)) return `it gives other scores for ${size} images at once than for each`;
  }
  return undefined;
}

/** Whether two lists of scores are the same but for rounding; infinities and NaN must be in the same places. */
export function sameScores(actual: ArrayLike<number>, expected: ArrayLike<number>): boolean {
  if (actual.length !== expected.length) return false;
  let largest = 0;
  let difference = 0;
  for (let i = 0; i < expected.length; i++) {
    if (Number.isFinite(expected[i])) largest = Math.max(largest, Math.abs(expected[i]!));
    if (Object.is(actual[i], expected[i])) continue;
    const each = Math.abs(actual[i]! - expected[i]!);
    if (Number.isNaN(each)) return false;
    difference = Math.max(difference, each);
  }
  return difference <= TOLERANCE * largest;
}
