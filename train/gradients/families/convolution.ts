import { str } from '../../../core/onnx/graph.ts';
import type { Rule } from '../rule.ts';
import { TRAINING } from '../training-graph.ts';
import { asPlane, explicitWindow, slide } from './window.ts';

export const CONVOLUTION: Readonly<Record<string, Rule>> = {
  /** https://onnx.ai/onnx/operators/onnx__Conv.html One or two spatial axes; its padding becomes explicit. */
  Conv: {
    forward: (g, n) => slide(g, n, explicitWindow(n, n.inputs[1]!.dims.slice(2))),
    backward(g, n, [dy]) {
      const inputs = n.inputs.map((input) => input && asPlane(g, input));
      const [x, weight] = inputs;
      const dims = inputs.map((input, i) => (n.needs(i) ? input?.dims : undefined));
      const attributes = { ...explicitWindow(n, n.inputs[1]!.dims.slice(2)), of: str(n.outputs[1]!.name) };
      const gradients = g.nodes('ConvGrad', [asPlane(g, dy!), x, weight], dims, attributes, {
        domain: TRAINING,
      });
      return gradients.map((gradient, i) => gradient && g.reshape(gradient, n.inputs[i]!.dims));
    },
  },
};
