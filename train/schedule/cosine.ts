/**
 * Linear warm-up, then cosine annealing to zero (Loshchilov and Hutter 2017, arXiv:1608.03983, one cycle): the
 * rate of step `step` of `totalSteps`. The first warm-up step has maxLr / warmupSteps, so none is wasted at 0.
 */
export function cosineLearningRate(
  maxLr: number,
  totalSteps: number,
  warmupSteps: number,
  step: number,
): number {
  if (step < warmupSteps) return (maxLr * (step + 1)) / warmupSteps;
  const fraction = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  return (maxLr / 2) * (1 + Math.cos(Math.PI * Math.min(1, fraction)));
}
