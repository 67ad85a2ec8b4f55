import { UserError } from '../../../core/errors.ts';
import { floatAttribute, intAttribute } from '../../../core/onnx/graph.ts';
import { sumToShape } from '../broadcast.ts';
import type { TrainingRule } from '../rule.ts';

/** Gemm: Y = A B (+ C), A not transposed and alpha = beta = 1, as a linear layer is written. */
export const gemmRule: TrainingRule = {
  forward(context, node) {
    const b = context.builder;
    if (intAttribute(node, 'transA', 0) !== 0 || [1, 1].some((one, i) => scalar(node, i) !== one)) {
      throw new UserError(`${node.name}: training a Gemm with transA, alpha or beta is not supported`);
    }
    const [x, weight, bias] = node.inputs.map((name) => context.optionalValue(name));
    const y = b.matmul(x!, weight!, false, intAttribute(node, 'transB', 0) === 1);
    context.bind(node.outputs[0]!, bias ? b.add(y, bias) : y);
  },

  backward(context, node, gradient) {
    const b = context.builder;
    const [x, weight, bias] = node.inputs as [string, string, string | undefined];
    const transposed = intAttribute(node, 'transB', 0) === 1;
    if (context.needsGradient(weight)) {
      const value = context.value(x);
      const dw = transposed ? b.matmul(gradient, value, true, false) : b.matmul(value, gradient, true, false);
      context.accumulate(weight, dw);
    }
    if (bias) context.accumulate(bias, sumToShape(b, gradient, context.value(bias).dims));
    if (context.needsGradient(x)) {
      context.accumulate(x, b.matmul(gradient, context.value(weight), false, !transposed));
    }
  },
};

function scalar(node: Parameters<TrainingRule['forward']>[1], index: number): number {
  return floatAttribute(node, index === 0 ? 'alpha' : 'beta', 1);
}
