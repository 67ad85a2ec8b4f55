import type { Rule } from '../rule.ts';
import { TRAINING } from '../training-graph.ts';

export const POOLING: Readonly<Record<string, Rule>> = {
  /** https://onnx.ai/onnx/operators/onnx__GlobalAveragePool.html */
  GlobalAveragePool: {
    backward: (g, { x }, [dy]) => [
      g.node('GlobalAveragePoolGrad', [dy!, x], x.dims, {}, { domain: TRAINING }),
    ],
  },
};
