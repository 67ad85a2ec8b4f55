import { softmax } from './softmax.ts';

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
