import { float, floatAttribute } from '../../../core/onnx/graph.ts';
import type { Rule } from '../rule.ts';
import { TRAINING } from '../training-graph.ts';

export const NORMALIZATION: Readonly<Record<string, Rule>> = {
  /**
   * https://onnx.ai/onnx/operators/onnx__BatchNormalization.html as it trains (Ioffe and Szegedy 2015,
   * arXiv:1502.03167): statistics of the batch, and running statistics updated as PyTorch does, with the unbiased
   * variance.
   */
  BatchNormalization: {
    forward(g, n) {
      const { x } = n;
      if (x.dims.length !== 4) throw n.refusal(`of ${x.dims.length} axes is not supported, only of 4`);
      const channels = [x.dims[1]!];
      const results = g.nodes(
        'BatchNormInternal',
        n.inputs.slice(0, 3),
        [x.dims, channels, channels, channels, channels] as const,
        { epsilon: float(floatAttribute(n.node, 'epsilon', 1e-5)) },
        { domain: TRAINING },
      );
      const momentum = floatAttribute(n.node, 'momentum', 0.9);
      n.observe(3, results[1], momentum);
      n.observe(4, results[2], momentum);
      return [...results];
    },
    backward(g, n, [dy]) {
      const [x, scale, bias] = n.inputs;
      const [, , , mean, inverseStd] = n.outputs;
      const attributes = { epsilon: float(floatAttribute(n.node, 'epsilon', 1e-5)) };
      return g.nodes(
        'BatchNormalizationGrad',
        [dy!, x, scale, mean, inverseStd],
        [n.needs(0) ? x!.dims : undefined, scale!.dims, bias!.dims],
        attributes,
        { domain: TRAINING },
      );
    },
  },
};
