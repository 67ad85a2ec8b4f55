import { sumToShape } from '../broadcast.ts';
import type { TrainingRule } from '../rule.ts';

export const addRule: TrainingRule = {
  forward(context, node) {
    const b = context.builder;
    const [x, y] = node.inputs as [string, string];
    context.bind(node.outputs[0]!, b.elementwise('Add', context.value(x), context.value(y)));
  },

  backward(context, node, gradient) {
    for (const name of node.inputs) {
      if (!context.needsGradient(name)) continue;
      context.accumulate(name, sumToShape(context.builder, gradient, context.value(name).dims));
    }
  },
};
