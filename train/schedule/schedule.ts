import type { TrainConfig } from '../recipe/settings.ts';
import { cosineLearningRate } from './cosine.ts';
import { multiStepLearningRate } from './multi-step.ts';
import { oneCycleLearningRate } from './one-cycle.ts';

export const SCHEDULE_NAMES = ['onecycle', 'cosine', 'multistep', 'constant'] as const;

/** The part of a run's config that decides its learning rates; `learningRate` is the peak. */
export type ScheduleConfig = Pick<
  TrainConfig,
  'schedule' | 'learningRate' | 'epochs' | 'warmupFraction' | 'lrPerEpoch' | 'milestones' | 'gamma'
>;

/** The learning rate of a run's step, counted from 0 over the whole run. */
export function learningRateAt(config: ScheduleConfig, stepsPerEpoch: number, step: number): number {
  const { schedule, learningRate: maxLr, epochs, warmupFraction, lrPerEpoch } = config;
  const epoch = Math.floor(step / stepsPerEpoch);
  const totalSteps = lrPerEpoch ? epochs : epochs * stepsPerEpoch;
  const at = lrPerEpoch ? epoch : step;
  switch (schedule) {
    case 'onecycle':
      return oneCycleLearningRate({ maxLr, totalSteps, warmupFraction }, at);
    case 'cosine':
      return cosineLearningRate(maxLr, totalSteps, Math.round(warmupFraction * totalSteps), at);
    case 'multistep':
      return multiStepLearningRate(maxLr, config.milestones, config.gamma, epoch);
    case 'constant':
      return maxLr;
  }
}
