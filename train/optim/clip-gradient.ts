import type { StepBuilder, StepTensor } from '../autodiff/step-builder.ts';

/** Scales the gradient down to `maxNorm` if its L2 norm is larger, as torch.nn.utils.clip_grad_norm_ does. */
export function clipGradient(b: StepBuilder, gradient: StepTensor, maxNorm: number): StepTensor {
  const norm = b.unary('Sqrt', b.reduceSum(b.mul(gradient, gradient), [0]));
  const coefficient = b.div(b.constant(maxNorm), b.add(norm, b.constant(1e-6)));
  const atMostOne = b.node('Min', [coefficient, b.constant(1)], []);
  return b.mul(gradient, atMostOne);
}
