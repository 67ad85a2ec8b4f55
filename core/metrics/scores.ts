import { softmax } from './softmax.ts';
import { topK } from './top-k.ts';

/**
 * How the scores of a model of ours, its output `logits`, become probabilities:
 * - `logits`: by a softmax;
 * - `log-probabilities`: each is the logarithm of one, of classes of which a picture shows one;
 * - `independent`: each is the logarithm of one, of classes of which a picture may show any number.
 */
export const SCORE_KINDS = ['logits', 'log-probabilities', 'independent'] as const;
export type ScoreKind = (typeof SCORE_KINDS)[number];

/**
 * The probabilities of one image's classes, as the model itself has them: what its own softmax gave is not
 * brought to a sum of 1 again, which quantised ones miss by a little.
 * @param scores [classes]; a NaN among them makes one, or all, probabilities NaN
 * @param kind default `logits`
 * @returns [classes], each from 0 to 1
 */
export function probabilitiesOf(scores: ArrayLike<number>, kind: ScoreKind = 'logits'): Float32Array {
  if (kind === 'logits') return softmax(scores);
  // Rounded up, the logarithm of 1 may be above 0.
  return Float32Array.from(scores, (score) => Math.min(1, Math.exp(score)));
}

/** One class with its probability. */
export interface Prediction {
  /** Of the class, from 0. */
  index: number;
  label: string;
  /** From 0 to 1. */
  probability: number;
}

/**
 * The best classes of one image, best first.
 * @param scores [classes]
 * @param model what its metadata says
 * @param k how many; all of them where there are fewer
 * @returns undefined if a score is not a number: nothing can be said then
 */
export function bestPredictions(
  scores: ArrayLike<number>,
  { labels, scores: kind }: { labels: readonly string[]; scores?: ScoreKind },
  k: number,
): Prediction[] | undefined {
  const probabilities = probabilitiesOf(scores, kind);
  if (probabilities.some(Number.isNaN)) return undefined;
  return topK(scores, k).map((index) => ({
    index,
    label: labels[index]!,
    probability: probabilities[index]!,
  }));
}
