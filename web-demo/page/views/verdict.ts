import type { ModelAccuracy } from '../../../core/model-metadata.ts';
import { formatCount } from '../format.ts';

/**
 * Says in a sentence how a run in this browser compares with what the trainer measured.
 * @param trained the accuracy in the model's metadata, if it has one
 */
export function compareWithTrainer(measured: ModelAccuracy, trained: ModelAccuracy | undefined): string {
  if (!trained) return 'The model carries no accuracy of its own to compare with.';
  if (measured.images !== trained.images) {
    return `The trainer counted ${formatCount(trained.images)}; run as many to compare.`;
  }
  const off1 = measured.top1Correct - trained.top1Correct;
  const off5 = measured.top5Correct - trained.top5Correct;
  if (off1 === 0 && off5 === 0) return 'Exactly what the trainer measured.';
  const trainer = `The trainer measured ${formatCount(trained.top1Correct)} and ${formatCount(trained.top5Correct)}`;
  // Sums in another order round differently; a close call can then go the other way.
  const rounding = Math.max(Math.abs(off1), Math.abs(off5)) <= 5;
  return `${trainer}${rounding ? ': the same but for rounding.' : '; is this the data set the model was trained on?'}`;
}
