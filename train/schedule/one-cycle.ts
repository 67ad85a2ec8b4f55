/**
 * The one-cycle learning rate (Smith and Topin 2017, arXiv:1708.07120) as PyTorch's OneCycleLR with cosine
 * annealing: from learningRate / divFactor up to learningRate over the first `warmupFraction`, then down to
 * learningRate / divFactor / finalDivFactor.
 */
export interface OneCycleConfig {
  /** The peak; PyTorch's max_lr. */
  learningRate: number;
  totalSteps: number;
  /** PyTorch's pct_start. */
  warmupFraction: number;
  divFactor?: number;
  finalDivFactor?: number;
}

/** The learning rate of step `step`, counted from 0 to totalSteps - 1; later steps keep the last rate. */
export function oneCycleLearningRate(config: OneCycleConfig, step: number): number {
  const { learningRate, totalSteps, warmupFraction, divFactor = 25, finalDivFactor = 1e4 } = config;
  const initial = learningRate / divFactor;
  const final = initial / finalDivFactor;
  return oneCycle([initial, learningRate, final], totalSteps, warmupFraction, step);
}

/** A one-cycle run whose momentum falls while its rate rises, and the other way round. */
export interface MomentumCycle {
  totalSteps: number;
  warmupFraction: number;
  /** Steps that have one momentum; above 1 where the schedule moves once an epoch. Default 1. */
  stepsEach?: number;
}

/** OneCycleLR's base_momentum and max_momentum. */
const BASE_MOMENTUM = 0.85;
const MAX_MOMENTUM = 0.95;

/**
 * The momentum of an optimiser step, counted from 0, as PyTorch's OneCycleLR with cycle_momentum has it: 0.95 to
 * 0.85 while the rate rises, and back. For Adam and AdamW it is beta1.
 */
export function oneCycleMomentum(cycle: MomentumCycle, step: number): number {
  const { totalSteps, warmupFraction, stepsEach = 1 } = cycle;
  const at = Math.floor(step / stepsEach);
  return oneCycle([MAX_MOMENTUM, BASE_MOMENTUM, MAX_MOMENTUM], totalSteps, warmupFraction, at);
}

function oneCycle(
  [initial, peakValue, final]: readonly [number, number, number],
  totalSteps: number,
  warmupFraction: number,
  step: number,
): number {
  // As in PyTorch, the peak is at step warmupFraction * totalSteps - 1.
  const peak = warmupFraction * totalSteps - 1;
  const last = totalSteps - 1;
  const at = Math.min(step, last);
  if (at <= peak) return cosine(initial, peakValue, peak > 0 ? at / peak : 1);
  return cosine(peakValue, final, last > peak ? (at - peak) / (last - peak) : 1);
}

function cosine(from: number, to: number, fraction: number): number {
  return to + ((from - to) / 2) * (1 + Math.cos(Math.PI * fraction));
}
