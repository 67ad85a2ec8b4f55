import { floatAttribute, intAttribute } from '../../../core/onnx/graph.ts';
import type { Rule } from '../rule.ts';

export const MATRIX: Readonly<Record<string, Rule>> = {
  /** https://onnx.ai/onnx/operators/onnx__Gemm.html Y = alpha A' B' + beta C, a prime standing for a transposition. */
  Gemm: {
    backward(g, n, [dy]) {
      const [a, b, c] = n.inputs;
      const [transA, transB] = [
        intAttribute(n.node, 'transA', 0) === 1,
        intAttribute(n.node, 'transB', 0) === 1,
      ];
      const product = g.scale(dy!, floatAttribute(n.node, 'alpha', 1));
      const dB = () => (transB ? g.matmul(product, a!, true, transA) : g.matmul(a!, product, !transA, false));
      const dC = () => g.scale(g.sumTo(dy!, c!.dims), floatAttribute(n.node, 'beta', 1));
      const dA = () => (transA ? g.matmul(b!, product, transB, true) : g.matmul(product, b!, false, !transB));
      // In this order, for what they are computed from is let go with the last of them.
      const [weight, bias, input] = [
        n.needs(1) ? dB() : undefined,
        n.needs(2) ? dC() : undefined,
        n.needs(0) ? dA() : undefined,
      ];
      return [input, weight, bias];
    },
  },
};
