import { sumToShape } from '../broadcast.ts';
import type { TrainingRule } from '../rule.ts';

export const mulRule: TrainingRule = {
  forward(context, node) {
    const b = context.builder;
    const [x, y] = node.inputs as [string, string];
    context.bind(node.outputs[0]!, b.elementwise('Mul', context.value(x), context.value(y)));
  },

  backward(context, node, gradient) {
    const b = context.builder;
    const [x, y] = node.inputs as [string, string];
    for (const [name, other] of [
      [x, y],
      [y, x],
    ] as const) {
      if (!context.needsGradient(name)) continue;
      const product = b.elementwise('Mul', gradient, context.value(other));
      context.accumulate(name, sumToShape(b, product, context.value(name).dims));
    }
  },
};
