import type { Optimizer } from './optimizer.ts';

export interface AdamConfig {
  /** Or that of each step, counted from 1. */
  beta1: number | ((step: number) => number);
  beta2: number;
  epsilon: number;
  /** AdamW: weight decay shrinks the weights directly instead of going through the gradient. */
  decoupledWeightDecay: boolean;
}

/**
 * Adam (Kingma and Ba 2015, arXiv:1412.6980) and AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) with
 * PyTorch's semantics (torch.optim.Adam and AdamW): both moments bias-corrected, epsilon added after the root.
 */
export function adam(config: AdamConfig): Optimizer {
  const { beta1, beta2, epsilon, decoupledWeightDecay } = config;
  const cycled = typeof beta1 === 'function';
  const beta1At = (step: number) => (cycled ? beta1(step) : beta1);
  return {
    slots: ['exp_avg', 'exp_avg_sq'],
    // 1 - beta^t loses its digits in float32, so the corrections come from outside, in float64.
    scalars: (learningRate, step) => ({
      learning_rate: learningRate,
      // As PyTorch corrects, by the power of the present beta1 even where it was another before.
      step_size: learningRate / (1 - beta1At(step) ** step),
      ...(cycled ? { beta1: beta1At(step), one_minus_beta1: 1 - beta1At(step) } : {}),
      inverse_root_correction: 1 / Math.sqrt(1 - beta2 ** step),
    }),
    emit(b, { parameters, gradient, slots, scalars, weightDecay }) {
      let start = parameters;
      let g = gradient;
      if (weightDecay && decoupledWeightDecay) {
        const shrink = b.mul(scalars.learning_rate!, weightDecay);
        start = b.sub(parameters, b.mul(parameters, shrink));
      } else if (weightDecay) {
        g = b.add(gradient, b.mul(parameters, weightDecay));
      }
      const average = (old: typeof g, value: typeof g, [keep, take]: readonly [typeof g, typeof g]) =>
        b.add(b.mul(old, keep), b.mul(value, take));
      const fixed = (beta: number) => [b.constant(beta), b.constant(1 - beta)] as const;
      const first = cycled ? ([scalars.beta1!, scalars.one_minus_beta1!] as const) : fixed(beta1);
      const mean = average(slots.exp_avg!, g, first);
      const square = average(slots.exp_avg_sq!, b.mul(g, g), fixed(beta2));
      const root = b.mul(b.unary('Sqrt', square), scalars.inverse_root_correction!);
      const update = b.div(b.mul(mean, scalars.step_size!), b.add(root, b.constant(epsilon)));
      return { parameters: b.sub(start, update), slots: { exp_avg: mean, exp_avg_sq: square } };
    },
  };
}
