import { UserError } from '../../core/errors.ts';
import { SCHEDULE_NAMES, type ScheduleName } from './schedule.ts';

/** The schedule as a run's config.json states it. Optional keys are missing from runs made before them. */
export interface ScheduleSettings {
  schedule: ScheduleName;
  /** Share of the run in which the rate rises. */
  warmupFraction: number;
  /** One rate an epoch instead of one a step; default false. */
  lrPerEpoch?: boolean;
  /** One-cycle: the momentum falls while the rate rises, and the other way round; default false. */
  cycleMomentum?: boolean;
  /** Epochs at which a multi-step schedule lowers the rate. */
  milestones?: number[];
  /** By what it multiplies the rate; default 0.1. */
  gamma?: number;
}

/** The options with which a command line says how the learning rate changes. */
export const SCHEDULE_CLI_OPTIONS = {
  schedule: {
    type: 'string',
    value: 'NAME',
    help: 'how the learning rate changes',
    default: 'onecycle',
    choices: SCHEDULE_NAMES,
  },
  'warmup-fraction': {
    type: 'number',
    help: 'share of the run in which the rate rises (onecycle, cosine)',
    default: 0.1,
    min: 0,
    max: 1,
  },
  'lr-per-epoch': {
    type: 'boolean',
    help: 'change the rate once an epoch, as the reference recipe does, and not every step',
    default: false,
  },
  'cycle-momentum': {
    type: 'boolean',
    help: "onecycle: momentum from 0.95 to 0.85 and back, whatever --momentum says (adam, adamw: beta1), as PyTorch's OneCycleLR does unless told not to",
    default: false,
  },
  milestones: {
    type: 'string',
    value: 'E,E,...',
    help: 'epochs at which multistep lowers the rate; default at 50 % and 75 % of the run',
  },
  gamma: { type: 'number', help: 'by what multistep multiplies the rate', default: 0.1, min: 0, max: 1 },
} as const;

/** What {@link SCHEDULE_CLI_OPTIONS} parse to. */
export interface ScheduleCliValues {
  schedule: string;
  warmupFraction: number;
  lrPerEpoch: boolean;
  cycleMomentum: boolean;
  milestones: string | undefined;
  gamma: number;
}

/**
 * The settings that the parsed options ask for.
 * @throws UserError if the milestones are no rising list of epochs, or belong to another schedule
 */
export function scheduleSettings(
  options: ScheduleCliValues,
  given: ReadonlySet<string>,
  epochs: number,
): Required<Omit<ScheduleSettings, 'cycleMomentum'>> & Pick<ScheduleSettings, 'cycleMomentum'> {
  const schedule = options.schedule as ScheduleName;
  if (schedule !== 'multistep' && (given.has('milestones') || given.has('gamma'))) {
    throw new UserError(`--milestones and --gamma are options of --schedule multistep, not of ${schedule}`);
  }
  if (schedule !== 'onecycle' && options.cycleMomentum) {
    throw new UserError(`--cycle-momentum is an option of --schedule onecycle, not of ${schedule}`);
  }
  const milestones =
    options.milestones === undefined ? defaultMilestones(epochs) : options.milestones.split(',').map(epochOf);
  const rising = milestones.every(
    (epoch, i) => Number.isSafeInteger(epoch) && (i === 0 || epoch > milestones[i - 1]!),
  );
  if (!rising)
    throw new UserError(`--milestones takes rising epochs, e.g. 60,120,160, not "${options.milestones}"`);
  return {
    schedule,
    warmupFraction: options.warmupFraction,
    lrPerEpoch: options.lrPerEpoch,
    // Only where it is on, so that configs are the same as those of runs made before it.
    ...(options.cycleMomentum ? { cycleMomentum: true } : {}),
    milestones,
    gamma: options.gamma,
  };
}

/** At a half and three quarters; a run too short for both has one or none, and never begins at a lowered rate. */
function defaultMilestones(epochs: number): number[] {
  const milestones = new Set([Math.floor(epochs / 2), Math.floor((3 * epochs) / 4)]);
  return [...milestones].filter((epoch) => epoch > 0);
}

/** Number('') would be epoch 0. */
function epochOf(text: string): number {
  return /^\s*\d+\s*$/.test(text) ? Number(text) : Number.NaN;
}
