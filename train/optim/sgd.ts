import type { Optimizer } from './optimizer.ts';

export interface SgdConfig {
  /** Or that of each step, counted from 1. */
  momentum: number | ((step: number) => number);
  nesterov: boolean;
}

/**
 * SGD with PyTorch's semantics (torch.optim.SGD, dampening 0): g += decay * p; m = momentum * m + g;
 * p -= lr * (nesterov ? g + momentum * m : m). The momentum starts at zero, which gives PyTorch's first step.
 */
export function sgd(config: SgdConfig): Optimizer {
  const { momentum: given } = config;
  const cycled = typeof given === 'function';
  return {
    slots: ['momentum'],
    scalars: (learningRate, step) => ({
      learning_rate: learningRate,
      ...(cycled ? { momentum_factor: given(step) } : {}),
    }),
    emit(b, { parameters, gradient, slots, scalars, weightDecay }) {
      const decayed = weightDecay ? b.add(gradient, b.mul(parameters, weightDecay)) : gradient;
      const factor = cycled ? scalars.momentum_factor! : b.constant(given);
      const momentum = given === 0 ? decayed : b.add(b.mul(slots.momentum!, factor), decayed);
      const direction = config.nesterov ? b.add(decayed, b.mul(momentum, factor)) : momentum;
      const updated = b.sub(parameters, b.mul(direction, scalars.learning_rate!));
      return { parameters: updated, slots: { momentum } };
    },
  };
}
