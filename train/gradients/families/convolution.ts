import { str } from '../../../core/onnx/graph.ts';
import type { Rule } from '../rule.ts';
import { TRAINING } from '../training-graph.ts';
import { explicitWindow } from './window.ts';

export const CONVOLUTION: Readonly<Record<string, Rule>> = {
  /** https://onnx.ai/onnx/operators/onnx__Conv.html Two spatial axes; its padding becomes explicit. */
  Conv: {
    forward: (g, n) => n.copy(g, explicitWindow(n, n.inputs[1]!.dims.slice(2))),
    backward(g, n, [dy]) {
      const [x, weight, bias] = n.inputs;
      const dims = [x, weight, bias].map((input, i) => (n.needs(i) ? input?.dims : undefined));
      const attributes = { ...explicitWindow(n, weight!.dims.slice(2)), of: str(n.y.name) };
      return g.nodes('ConvGrad', [dy!, x, weight], dims, attributes, { domain: TRAINING });
    },
  },
};
