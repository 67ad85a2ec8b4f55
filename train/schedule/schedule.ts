import { cosineLearningRate } from './cosine.ts';
import { multiStepLearningRate } from './multi-step.ts';
import { oneCycleLearningRate } from './one-cycle.ts';

export const SCHEDULE_NAMES = ['onecycle', 'cosine', 'multistep', 'constant'] as const;
export type ScheduleName = (typeof SCHEDULE_NAMES)[number];

export interface ScheduleConfig {
  name: ScheduleName;
  maxLr: number;
  epochs: number;
  stepsPerEpoch: number;
  /** Share of the run in which the rate rises; one-cycle and cosine. */
  warmupFraction: number;
  /** One rate an epoch, as recipes that call the scheduler once an epoch have it; else one a step. */
  perEpoch: boolean;
  /** Multi-step: epochs at which the rate is multiplied by `gamma`. */
  milestones: readonly number[];
  gamma: number;
}

/** The learning rate of a step, counted from 0 over the whole run. */
export function learningRateAt(config: ScheduleConfig, step: number): number {
  const { name, maxLr, epochs, stepsPerEpoch, warmupFraction } = config;
  const epoch = Math.floor(step / stepsPerEpoch);
  const totalSteps = config.perEpoch ? epochs : epochs * stepsPerEpoch;
  const at = config.perEpoch ? epoch : step;
  switch (name) {
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
