/**
 * The one-cycle learning rate (Smith and Topin 2017, arXiv:1708.07120) as PyTorch's OneCycleLR with cosine
 * annealing: from maxLr / divFactor up to maxLr over the first `warmupFraction`, then down to
 * maxLr / divFactor / finalDivFactor.
 */
export interface OneCycleConfig {
  maxLr: number;
  totalSteps: number;
  /** PyTorch's pct_start. */
  warmupFraction: number;
  divFactor?: number;
  finalDivFactor?: number;
}

/** The learning rate of step `step`, counted from 0 to totalSteps - 1; later steps keep the last rate. */
export function oneCycleLearningRate(config: OneCycleConfig, step: number): number {
  const { maxLr, totalSteps, warmupFraction, divFactor = 25, finalDivFactor = 1e4 } = config;
  const initial = maxLr / divFactor;
  const final = initial / finalDivFactor;
  // As in PyTorch, the peak is at step warmupFraction * totalSteps - 1.
  const peak = warmupFraction * totalSteps - 1;
  const last = totalSteps - 1;
  const at = Math.min(step, last);
  if (at <= peak) return cosine(initial, maxLr, peak > 0 ? at / peak : 1);
  return cosine(maxLr, final, last > peak ? (at - peak) / (last - peak) : 1);
}

function cosine(from: number, to: number, fraction: number): number {
  return to + ((from - to) / 2) * (1 + Math.cos(Math.PI * fraction));
}
