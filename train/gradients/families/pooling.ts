import { type Attribute, intsAttribute } from '../../../core/onnx/graph.ts';
import type { Rule, TrainedNode } from '../rule.ts';
import { TRAINING } from '../training-graph.ts';
import { explicitWindow } from './window.ts';

/** With explicit padding. */
const attributesOf = (n: TrainedNode): Record<string, Attribute> =>
  explicitWindow(n, intsAttribute(n.node, 'kernel_shape', []));

/** Two spatial axes. */
export const POOLING: Readonly<Record<string, Rule>> = {
  /** https://onnx.ai/onnx/operators/onnx__GlobalAveragePool.html */
  GlobalAveragePool: {
    backward: (g, { x }, [dy]) => [
      g.node('GlobalAveragePoolGrad', [dy!, x], x.dims, {}, { domain: TRAINING }),
    ],
  },
  /** https://onnx.ai/onnx/operators/onnx__MaxPool.html Of equal values the first one takes the gradient, as in PyTorch. */
  MaxPool: {
    forward: (g, n) => n.copy(g, attributesOf(n)),
    backward(g, n, [dy]) {
      return [g.node('MaxPoolGrad', [dy!, n.x, n.y], n.x.dims, attributesOf(n), { domain: TRAINING })];
    },
  },
  /** https://onnx.ai/onnx/operators/onnx__AveragePool.html */
  AveragePool: {
    forward: (g, n) => n.copy(g, attributesOf(n)),
    backward(g, n, [dy]) {
      return [g.node('AveragePoolGrad', [dy!, n.x], n.x.dims, attributesOf(n), { domain: TRAINING })];
    },
  },
};
