import { probabilitiesOf, type ScoreKind } from '../../core/metrics/scores.ts';
import { topK } from '../../core/metrics/top-k.ts';
import { INDICES, PROBABILITIES } from '../../core/onnx/passes/pixels-to-top-k.ts';
import type { Outputs } from './run-file.ts';

export interface Comparison {
  /**
   * Of logits: the largest difference, relative to the largest logit. Of probabilities and logarithms of them: the
   * largest difference of a probability. NaN if any value is not finite, or there are not as many as there should be.
   */
  difference: number;
  /** The best class of each image. */
  best: number[];
  referenceBest: number[];
}

/**
 * Compares the outputs of an exported model with the logits of its original.
 * @param reference [images, classes]
 * @param scores how both become probabilities
 */
export function compareOutputs(
  outputs: Outputs,
  reference: readonly number[],
  classes: number,
  scores?: ScoreKind,
): Comparison {
  const referenceBest = bestOf(reference, classes);
  const logits = outputs.get('logits');
  if (logits) {
    return {
      difference:
        scores === undefined || scores === 'logits'
          ? relativeDifference(logits, reference)
          : largestDifference(probabilitiesOf(logits, scores), probabilitiesOf(reference, scores)),
      best: bestOf(logits, classes),
      referenceBest,
    };
  }
  const probabilities = outputs.get(PROBABILITIES) ?? [];
  const indices = outputs.get(INDICES) ?? [];
  const k = indices.length / referenceBest.length;
  let difference = probabilities.length === indices.length && Number.isInteger(k) ? 0 : Number.NaN;
  referenceBest.forEach((_, image) => {
    const expected = probabilitiesOf(reference.slice(image * classes, (image + 1) * classes), scores);
    topK(expected, k).forEach((index, rank) => {
      const at = image * k + rank;
      // Both as good as the class of that rank, and as the class that it names: equals may change places.
      const byRank = Math.abs(probabilities[at]! - expected[index]!);
      const byName = Math.abs(probabilities[at]! - (expected[indices[at]!] ?? Number.NaN));
      difference = Math.max(difference, byRank, byName);
    });
  });
  return { difference, best: indices.filter((_, i) => i % k === 0), referenceBest };
}

/** NaN if any value is, or the lengths differ. */
function largestDifference(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.NaN;
  return actual.reduce((largest, value, i) => Math.max(largest, Math.abs(value - expected[i]!)), 0);
}

function bestOf(logits: readonly number[], classes: number): number[] {
  return Array.from(
    { length: logits.length / classes },
    (_, i) => topK(logits.slice(i * classes, (i + 1) * classes), 1)[0]!,
  );
}

/** max |actual - expected| / max |expected|; NaN if any value is not finite or the lengths differ. */
function relativeDifference(actual: readonly number[], expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.NaN;
  let difference = 0;
  let size = 0;
  for (const [i, value] of expected.entries()) {
    // Math.max keeps a NaN.
    difference = Math.max(difference, Math.abs(actual[i]! - value));
    size = Math.max(size, Math.abs(value));
  }
  if (!Number.isFinite(size)) return Number.NaN;
  return difference === 0 ? 0 : difference / size;
}
