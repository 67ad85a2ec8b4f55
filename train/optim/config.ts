import type { OptimizerName, TrainConfig } from '../recipe/settings.ts';
import { type MomentumCycle, oneCycleMomentum } from '../schedule/one-cycle.ts';
import { adam } from './adam.ts';
import { DEFAULT_LOSS_SCALING, LOSS_SCALE_SLOT, type LossScaling } from './loss-scaling.ts';
import type { Optimizer } from './optimizer.ts';
import { sgd } from './sgd.ts';

/** All that decides how gradients change the weights. */
export interface OptimizerConfig {
  name: OptimizerName;
  /** SGD only. */
  momentum: number;
  nesterov: boolean;
  /** The momentum changes from step to step (for Adam and AdamW: beta1); absent: it is as given. */
  momentumCycle?: MomentumCycle;
  /** Adam and AdamW only; PyTorch's defaults are 0.9, 0.999 and 1e-8. */
  beta1?: number;
  beta2?: number;
  epsilon?: number;
  weightDecay: number;
  /** Exempt biases and batch norm (every parameter with fewer than two axes) from weight decay. */
  noBiasDecay?: boolean;
  /** Clip the gradient's L2 norm to this; absent or 0: do not. */
  clipNorm?: number;
  /** Keep an exponential moving average of the weights with this decay; absent or 0: none. */
  emaDecay?: number;
  /** By what the learning rate of a parameter is multiplied, by its name; 1 where there is none, 0: it is frozen. */
  rates?: Readonly<Record<string, number>>;
  /** Scale the loss, and skip a step whose gradient overflows; absent: do not. */
  lossScaling?: LossScaling;
}

/** The part of a run's config that decides its update. */
export type UpdateSettings = Pick<
  TrainConfig,
  | ('optimizer' | 'momentum' | 'nesterov' | 'weightDecay' | 'noBiasDecay' | 'clipNorm' | 'emaDecay')
  | ('precision' | 'cycleMomentum' | 'lrPerEpoch' | 'warmupFraction')
  | ('epochs' | 'trainImages' | 'batchSize')
>;

/** The update that a run's settings ask for. Fp16 scales the loss, bf16 has no need to. */
export function optimizerOf(settings: UpdateSettings): OptimizerConfig {
  const { optimizer: name, momentum, nesterov, weightDecay, noBiasDecay, clipNorm, emaDecay } = settings;
  const scaling = settings.precision === 'fp16' ? { lossScaling: DEFAULT_LOSS_SCALING } : {};
  const cycle = settings.cycleMomentum ? { momentumCycle: momentumCycle(settings) } : {};
  return { name, momentum, nesterov, weightDecay, noBiasDecay, clipNorm, emaDecay, ...scaling, ...cycle };
}

/** In steps with the learning rate, which changes once an epoch or once a step. */
function momentumCycle(settings: UpdateSettings): MomentumCycle {
  const { warmupFraction, epochs, trainImages, batchSize, lrPerEpoch } = settings;
  const stepsPerEpoch = Math.floor(trainImages / batchSize);
  return lrPerEpoch
    ? { totalSteps: epochs, warmupFraction, stepsEach: stepsPerEpoch }
    : { totalSteps: epochs * stepsPerEpoch, warmupFraction };
}

/** The parameters that an optimiser leaves as they are. */
export function frozenOf({ rates = {} }: OptimizerConfig): ReadonlySet<string> {
  return new Set(Object.keys(rates).filter((name) => rates[name] === 0));
}

/** The update rule a config names. */
export function createOptimizer(config: OptimizerConfig): Optimizer {
  const { name, momentum, nesterov, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = config;
  const cycle = config.momentumCycle;
  const cycled = cycle && ((step: number) => oneCycleMomentum(cycle, step - 1));
  if (name === 'sgd') return sgd({ momentum: cycled ?? momentum, nesterov });
  return adam({ beta1: cycled ?? beta1, beta2, epsilon, decoupledWeightDecay: name === 'adamw' });
}

/** Names of all vectors that go from step to step beside parameters and running statistics. */
export function stateSlots(config: OptimizerConfig): string[] {
  const ema = config.emaDecay ? ['ema', 'ema_buffers'] : [];
  const scale = config.lossScaling ? [LOSS_SCALE_SLOT] : [];
  return [...createOptimizer(config).slots, ...ema, ...scale];
}

/**
 * The scalar inputs of a step's update, by name.
 * @param step counted from 1
 */
export function updateScalars(
  config: OptimizerConfig,
  learningRate: number,
  step: number,
): Record<string, number> {
  const scalars = createOptimizer(config).scalars(learningRate, step);
  if (!config.emaDecay) return scalars;
  // The first weights are random; until enough steps are averaged they must not weigh as much as later ones
  // (the warm-up of TensorFlow's ExponentialMovingAverage).
  return { ...scalars, ema_decay: Math.min(config.emaDecay, (1 + step) / (10 + step)) };
}
