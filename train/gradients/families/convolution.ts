import { str } from '../../../core/onnx/graph.ts';
import type { Rule } from '../rule.ts';
import { TRAINING } from '../training-graph.ts';

export const CONVOLUTION: Readonly<Record<string, Rule>> = {
  /** https://onnx.ai/onnx/operators/onnx__Conv.html */
  Conv: {
    backward(g, n, [dy]) {
      const [x, weight, bias] = n.inputs;
      const dims = [x, weight, bias].map((input, i) => (n.needs(i) ? input?.dims : undefined));
      const attributes = { ...n.node.attributes, of: str(n.y.name) };
      return g.nodes('ConvGrad', [dy!, x, weight], dims, attributes, { domain: TRAINING });
    },
  },
};
