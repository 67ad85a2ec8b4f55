import type { StepBuilder, StepTensor } from '../autodiff/step-builder.ts';

export interface SgdConfig {
  momentum: number;
  nesterov: boolean;
  /** L2 penalty added to the gradient, as PyTorch's `weight_decay`. */
  weightDecay: number;
}

/**
 * One step of SGD with PyTorch's semantics (torch.optim.SGD, dampening 0) on the vector of all parameters:
 * g += weightDecay * p; m = momentum * m + g; p -= lr * (nesterov ? g + momentum * m : m).
 * The momentum starts at zero, which gives PyTorch's first step.
 */
export function sgdStep(
  b: StepBuilder,
  config: SgdConfig,
  parameters: StepTensor,
  momentum: StepTensor,
  gradient: StepTensor,
  learningRate: StepTensor,
): { parameters: StepTensor; momentum: StepTensor } {
  const decayed =
    config.weightDecay === 0 ? gradient : b.add(gradient, b.mul(parameters, b.constant(config.weightDecay)));
  const newMomentum =
    config.momentum === 0 ? decayed : b.add(b.mul(momentum, b.constant(config.momentum)), decayed);
  const direction = config.nesterov
    ? b.add(decayed, b.mul(newMomentum, b.constant(config.momentum)))
    : newMomentum;
  return { parameters: b.sub(parameters, b.mul(direction, learningRate)), momentum: newMomentum };
}
