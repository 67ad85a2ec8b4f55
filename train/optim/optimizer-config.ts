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
}

/** The update that a run's settings ask for. */
export function optimizerOf(settings: OptimizerSettings): OptimizerConfig {
  const { optimizer, momentum, nesterov, weightDecay } = settings;
  const { noBiasDecay = false, clipNorm = 0, emaDecay = 0 } = settings;
  return { name: optimizer, momentum, nesterov, weightDecay, noBiasDecay, clipNorm, emaDecay };
}
