import type { Precision } from '../precision.ts';
import type { MomentumCycle } from '../schedule/one-cycle.ts';
import { DEFAULT_LOSS_SCALING } from '../step/loss-scaling.ts';
import type { OptimizerConfig, OptimizerName } from './config.ts';

/** The optimiser as a run's config.json states it. Optional keys are missing from runs made before them. */
export interface OptimizerSettings {
  optimizer: OptimizerName;
  momentum: number;
  nesterov: boolean;
  weightDecay: number;
  noBiasDecay?: boolean;
  /** 0: no clipping. */
  clipNorm?: number;
  /** 0: no moving average. */
  emaDecay?: number;
  /** Default fp32; fp16 scales the loss, bf16 has no need to. */
  precision?: Precision;
}

/** The part of a run's config that decides its update. */
export interface UpdateSettings extends OptimizerSettings {
  cycleMomentum?: boolean;
  lrPerEpoch?: boolean;
  warmupFraction: number;
  epochs: number;
  trainImages: number;
  batchSize: number;
}

/** The update that a run's settings ask for. */
export function optimizerOf(settings: UpdateSettings): OptimizerConfig {
  const { optimizer, momentum, nesterov, weightDecay } = settings;
  const { noBiasDecay = false, clipNorm = 0, emaDecay = 0 } = settings;
  const scaling = settings.precision === 'fp16' ? { lossScaling: DEFAULT_LOSS_SCALING } : {};
  const cycle = settings.cycleMomentum ? { momentumCycle: momentumCycle(settings) } : {};
  const rest = { noBiasDecay, clipNorm, emaDecay, ...scaling, ...cycle };
  return { name: optimizer, momentum, nesterov, weightDecay, ...rest };
}

/** In steps with the learning rate, which changes once an epoch or once a step. */
function momentumCycle(settings: UpdateSettings): MomentumCycle {
  const { warmupFraction, epochs, trainImages, batchSize, lrPerEpoch = false } = settings;
  const stepsPerEpoch = Math.floor(trainImages / batchSize);
  return lrPerEpoch
    ? { totalSteps: epochs, warmupFraction, stepsEach: stepsPerEpoch }
    : { totalSteps: epochs * stepsPerEpoch, warmupFraction };
}
