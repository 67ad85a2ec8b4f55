import type { Optimizer } from './optimizer.ts';

export interface SgdConfig {
  momentum: number;
  nesterov: boolean;
}

/**
 * SGD with PyTorch's semantics (torch.optim.SGD, dampening 0): g += decay * p; m = momentum * m + g;
 * p -= lr * (nesterov ? g + momentum * m : m). The momentum starts at zero, which gives PyTorch's first step.
 */
export function sgd(config: SgdConfig): Optimizer {
  return {
    slots: ['momentum'],
    scalars: (learningRate) => ({ learning_rate: learningRate }),
    emit(b, { parameters, gradient, slots, scalars, weightDecay }) {
      const decayed = weightDecay ? b.add(gradient, b.mul(parameters, weightDecay)) : gradient;
      const factor = b.constant(config.momentum);
      const momentum = config.momentum === 0 ? decayed : b.add(b.mul(slots.momentum!, factor), decayed);
      const direction = config.nesterov ? b.add(decayed, b.mul(momentum, factor)) : momentum;
      const updated = b.sub(parameters, b.mul(direction, scalars.learning_rate!));
      return { parameters: updated, slots: { momentum } };
    },
  };
}
