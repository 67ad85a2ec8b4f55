import type { TrainingRule } from '../rule.ts';
import type { StepBuilder, StepTensor } from '../step-builder.ts';

export const reluRule: TrainingRule = {
  forward(context, node) {
    context.bind(node.outputs[0]!, context.builder.unary('Relu', context.value(node.inputs[0]!)));
  },

  backward(context, node, gradient) {
    const y = context.value(node.outputs[0]!);
    context.accumulate(node.inputs[0]!, reluGradient(context.builder, y, gradient));
  },
};

/** dY where the ReLU's output `y` is positive, else 0; as in PyTorch the slope at 0 is 0. */
export function reluGradient(b: StepBuilder, y: StepTensor, dy: StepTensor): StepTensor {
  // The output is never negative, so its sign is the mask.
  return b.mul(dy, b.unary('Sign', y));
}
