import type { ModelAccuracy } from '../model-metadata.ts';
import { logSumExp } from './softmax.ts';
import { rankOf } from './top-k.ts';

/**
 * Running top-1, top-5 and loss over a split, fed a batch at a time.
 * Ties rank as in `topK` (lower index first). A NaN score of the true class is a miss, whatever its rank.
 */
export class ClassificationMetrics {
  readonly classes: number;
  #images = 0;
  #top1Correct = 0;
  #top5Correct = 0;
  #lossSum = 0;
  #lossImages = 0;

  /** @throws RangeError if `classes` is not a positive integer */
  constructor(classes: number) {
    if (!Number.isInteger(classes) || classes < 1) {
      throw new RangeError(`classes must be a positive integer, not ${classes}`);
    }
    this.classes = classes;
  }

  /**
   * Counts a batch.
   * @param logits [n, classes], row-major
   * @param labels [n] class indices
   * @param n images in the batch; may be fewer than the arrays hold (a padded last batch)
   * @throws RangeError if an array is too short or a label is no class
   */
  add(logits: Float32Array, labels: ArrayLike<number>, n: number): void {
    if (logits.length < n * this.classes || labels.length < n) {
      throw new RangeError(
        `${n} images of ${this.classes} classes need ${n * this.classes} logits and ${n} labels, ` +
          `not ${logits.length} and ${labels.length}`,
      );
    }
    for (let i = 0; i < n; i++) {
      const label = this.#checkLabel(labels[i]!);
      const offset = i * this.classes;
      const score = logits[offset + label]!;
      const rank = Number.isNaN(score)
        ? Number.POSITIVE_INFINITY
        : rankOf(logits, offset, this.classes, label);
      this.#count(rank);
      this.#lossImages++;
      // Softmax cross-entropy: -log(exp(x_label) / sum(exp(x))). A NaN stays visible in the mean.
      this.#lossSum += logSumExp(logits.subarray(offset, offset + this.classes)) - score;
    }
  }

  /**
   * Counts one image whose classes were already ranked, e.g. by a server. It adds nothing to the loss.
   * @param topIndices class indices, best first; at least 5 of them (or all classes) for a true top-5
   * @throws RangeError if the label is no class
   */
  addRanked(topIndices: readonly number[], label: number): void {
    const rank = topIndices.indexOf(this.#checkLabel(label));
    this.#count(rank < 0 ? Number.POSITIVE_INFINITY : rank);
  }

  /**
   * The totals so far. Fractions are 0 before the first image; `loss` is the mean over the images given with
   * logits, and NaN when there are none or when the model produced NaN.
   */
  result(): ModelAccuracy {
    const images = this.#images;
    return {
      top1: images === 0 ? 0 : this.#top1Correct / images,
      top5: images === 0 ? 0 : this.#top5Correct / images,
      loss: this.#lossImages === 0 ? Number.NaN : this.#lossSum / this.#lossImages,
      images,
      top1Correct: this.#top1Correct,
      top5Correct: this.#top5Correct,
    };
  }

  #count(rank: number): void {
    this.#images++;
    if (rank < 1) this.#top1Correct++;
    if (rank < 5) this.#top5Correct++;
  }

  #checkLabel(label: number): number {
    if (!Number.isInteger(label) || label < 0 || label >= this.classes) {
      throw new RangeError(`label ${label} is not a class index from 0 to ${this.classes - 1}`);
    }
    return label;
  }
}

/** Which epoch's weights are kept: top-1 decides, the loss breaks a tie. */
export function isBetter(
  accuracy: Pick<ModelAccuracy, 'top1' | 'loss'>,
  best: Pick<ModelAccuracy, 'top1' | 'loss'> | undefined,
): boolean {
  if (!best) return true;
  return accuracy.top1 > best.top1 || (accuracy.top1 === best.top1 && accuracy.loss < best.loss);
}
