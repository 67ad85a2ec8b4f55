import type { ScheduleSettings } from './command-line.ts';
import { learningRateAt } from './schedule.ts';

/** The part of a run's config that decides its learning rates. */
export interface ScheduledRun extends ScheduleSettings {
  epochs: number;
  /** The schedule's peak. */
  learningRate: number;
}

/** The learning rate of a run's step, counted from 0 over the whole run. */
export function learningRateOf(config: ScheduledRun, stepsPerEpoch: number, step: number): number {
  return learningRateAt(
    {
      name: config.schedule,
      maxLr: config.learningRate,
      epochs: config.epochs,
      stepsPerEpoch,
      warmupFraction: config.warmupFraction,
      perEpoch: config.lrPerEpoch ?? false,
      milestones: config.milestones ?? [],
      gamma: config.gamma ?? 0.1,
    },
    step,
  );
}
