/**
 * Indices of the `k` largest scores, descending. Equal scores keep index order (lower first), and NaN ranks
 * below everything, so the ranking is the same in Node and in a browser.
 * @param scores [classes]
 * @param k how many; all of them when there are fewer
 * @throws RangeError if k is not a positive integer
 */
export function topK(scores: ArrayLike<number>, k: number): number[] {
  if (!Number.isInteger(k) || k < 1) throw new RangeError(`k must be a positive integer, not ${k}`);
  // Insertion into a short list: few of many scores get past its end, which is far cheaper than sorting all.
  const best: number[] = [];
  for (let index = 0; index < scores.length; index++) {
    let place = best.length;
    while (place > 0 && compareDescending(scores[index]!, scores[best[place - 1]!]!) < 0) place--;
    if (place === k) continue;
    best.splice(place, 0, index);
    if (best.length > k) best.pop();
  }
  return best;
}

/**
 * The place of `index` in the ranking of {@link topK}, from 0, in one pass without sorting.
 * @param scores several images' scores; the ranking is over `[offset, offset + classes)`
 */
export function rankOf(scores: ArrayLike<number>, offset: number, classes: number, index: number): number {
  const own = scores[offset + index]!;
  let rank = 0;
  for (let c = 0; c < classes; c++) {
    const order = compareDescending(scores[offset + c]!, own);
    if (order < 0 || (order === 0 && c < index)) rank++;
  }
  return rank;
}

/** Negative when `a` ranks before `b`; NaN ranks last. */
function compareDescending(a: number, b: number): number {
  if (a > b) return -1;
  if (a < b) return 1;
  // Equal, or at least one is NaN.
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}
