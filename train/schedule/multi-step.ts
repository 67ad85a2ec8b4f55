/** PyTorch's MultiStepLR: the rate is multiplied by `gamma` at every milestone reached; counted in epochs. */
export function multiStepLearningRate(
  maxLr: number,
  milestones: readonly number[],
  gamma: number,
  epoch: number,
): number {
  return maxLr * gamma ** milestones.filter((milestone) => epoch >= milestone).length;
}
