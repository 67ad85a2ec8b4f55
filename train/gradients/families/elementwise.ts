import { type Rule, unary } from '../rule.ts';
import { TRAINING } from '../training-graph.ts';

/** Elementwise operators, https://onnx.ai/onnx/operators */
export const ELEMENTWISE: Readonly<Record<string, Rule>> = {
  Identity: unary((_, dy) => dy),
  // As in PyTorch the slope at 0 is 0.
  Relu: unary((g, dy, { y }) => g.node('ReluGrad', [dy, y], dy.dims, {}, { domain: TRAINING })),
  // y' = y - y^2
  Sigmoid: unary((g, dy, { y }) => g.mul(dy, g.sub(y, g.mul(y, y)))),

  Add: {
    backward: (g, { inputs: [a, b] }, [dy]) => [g.sumTo(dy!, a!.dims), g.sumTo(dy!, b!.dims)],
  },
  Mul: {
    backward(g, n, [dy]) {
      const [a, b] = n.inputs;
      return [
        n.needs(0) ? g.sumTo(g.mul(dy!, b!), a!.dims) : undefined,
        n.needs(1) ? g.sumTo(g.mul(dy!, a!), b!.dims) : undefined,
      ];
    },
  },
};
