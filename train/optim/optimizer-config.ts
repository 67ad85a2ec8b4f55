import type { Precision } from '../precision.ts';
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

/** The update that a run's settings ask for. */
export function optimizerOf(settings: OptimizerSettings): OptimizerConfig {
  const { optimizer, momentum, nesterov, weightDecay } = settings;
  const { noBiasDecay = false, clipNorm = 0, emaDecay = 0 } = settings;
  const scaling = settings.precision === 'fp16' ? { lossScaling: DEFAULT_LOSS_SCALING } : {};
  return { name: optimizer, momentum, nesterov, weightDecay, noBiasDecay, clipNorm, emaDecay, ...scaling };
}
