import type { TrainingRule } from '../rule.ts';

export const sigmoidRule: TrainingRule = {
  forward(context, node) {
    context.bind(node.outputs[0]!, context.builder.unary('Sigmoid', context.value(node.inputs[0]!)));
  },

  backward(context, node, gradient) {
    const b = context.builder;
    const y = context.value(node.outputs[0]!);
    const slope = b.sub(y, b.mul(y, y));
    context.accumulate(node.inputs[0]!, b.mul(gradient, slope));
  },
};
