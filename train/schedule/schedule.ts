import type { TrainConfig } from '../recipe/settings.ts';
import { oneCycleLearningRate } from './one-cycle.ts';

/** The part of a run's config that decides its learning rates; `learningRate` is the peak. */
export type ScheduleConfig = Pick<
  TrainConfig,
  'schedule' | 'learningRate' | 'epochs' | 'warmupFraction' | 'lrPerEpoch' | 'milestones' | 'gamma'
>;

/** The learning rate of a run's step, counted from 0 over the whole run. */
export function learningRateAt(config: ScheduleConfig, stepsPerEpoch: number, step: number): number {
  const { schedule, learningRate, epochs, warmupFraction, lrPerEpoch } = config;
  const epoch = Math.floor(step / stepsPerEpoch);
  const totalSteps = lrPerEpoch ? epochs : epochs * stepsPerEpoch;
  const at = lrPerEpoch ? epoch : step;
  switch (schedule) {
    case 'onecycle':
      return oneCycleLearningRate({ learningRate, totalSteps, warmupFraction }, at);
    case 'cosine':
      return cosineLearningRate(learningRate, totalSteps, Math.round(warmupFraction * totalSteps), at);
    case 'multistep':
      // PyTorch's MultiStepLR.
      return (
        learningRate * config.gamma ** config.milestones.filter((milestone) => epoch >= milestone).length
      );
    case 'constant':
      return learningRate;
  }
}

/**
 * Linear warm-up, then cosine annealing to zero (Loshchilov and Hutter 2017, arXiv:1608.03983, one cycle): the
 * rate of step `step` of `totalSteps`. The first warm-up step has peak / warmupSteps, so none is wasted at 0.
 */
export function cosineLearningRate(
  peak: number,
  totalSteps: number,
  warmupSteps: number,
  step: number,
): number {
  if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
  const fraction = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
  return (peak / 2) * (1 + Math.cos(Math.PI * Math.min(1, fraction)));
}
