import { type Attribute, intsAttribute } from '../../../core/onnx/graph.ts';
import type { Rule, TrainedNode } from '../rule.ts';
import { TRAINING } from '../training-graph.ts';
import { asPlane, explicitWindow, slide } from './window.ts';

/** With explicit padding. */
const attributesOf = (n: TrainedNode): Record<string, Attribute> =>
  explicitWindow(n, intsAttribute(n.node, 'kernel_shape', []));

/** One or two spatial axes. */
export const POOLING: Readonly<Record<string, Rule>> = {
  /** https://onnx.ai/onnx/operators/onnx__GlobalAveragePool.html */
  GlobalAveragePool: {
    backward: (g, { x }, [dy]) => [
      g.node('GlobalAveragePoolGrad', [dy!, x], x.dims, {}, { domain: TRAINING }),
    ],
  },
  /** https://onnx.ai/onnx/operators/onnx__MaxPool.html Of equal values the first one takes the gradient, as in PyTorch. */
  MaxPool: {
    forward: (g, n) => slide(g, n, attributesOf(n)),
    backward(g, n, [dy]) {
      const x = asPlane(g, n.x);
      const given = [asPlane(g, dy!), x, n.outputs.at(-1)!];
      const dx = g.node('MaxPoolGrad', given, x.dims, attributesOf(n), { domain: TRAINING });
      return [g.reshape(dx, n.x.dims)];
    },
  },
  /** https://onnx.ai/onnx/operators/onnx__AveragePool.html */
  AveragePool: {
    forward: (g, n) => slide(g, n, attributesOf(n)),
    backward(g, n, [dy]) {
      const x = asPlane(g, n.x);
      const given = [asPlane(g, dy!), x];
      const dx = g.node('AveragePoolGrad', given, x.dims, attributesOf(n), { domain: TRAINING });
      return [g.reshape(dx, n.x.dims)];
    },
  },
};
