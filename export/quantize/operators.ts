import { floatAttribute, type Graph, type GraphNode, intAttribute } from '../../core/onnx/graph.ts';

/** How an operator computes in int8. */
export interface QuantizedOperator {
  /** Which inputs are activations. */
  activations: number[];
  /** For operators with a weight: the axis of the weight (input 1) that counts output channels. */
  channelAxis?: number;
  /** The output has the scale and zero point of the input: values are only moved or picked. */
  sameScale?: true;
}

/**
 * How a node is quantised, undefined if it stays in float32. The list is what onnxruntime's CPU provider
 * fuses into integer kernels (`qdq_selector_action_transformer.cc`); a pair of quantisations around anything
 * else would only cost time.
 */
export function quantizedOperator(node: GraphNode, graph: Graph): QuantizedOperator | undefined {
  if (node.domain !== '') return undefined;
  const constant = (index: number) => graph.initializers.get(node.inputs[index] ?? '');
  const floatWeights = (): boolean =>
    constant(1)?.dtype === 'float32' && (!node.inputs[2] || constant(2)?.dtype === 'float32');
  switch (node.op) {
    case 'Conv':
      return floatWeights() ? { activations: [0], channelAxis: 0 } : undefined;
    case 'Gemm': {
      const plain =
        intAttribute(node, 'transA', 0) === 0 &&
        floatAttribute(node, 'alpha', 1) === 1 &&
        floatAttribute(node, 'beta', 1) === 1;
      if (!plain || !floatWeights() || (constant(2)?.dims.length ?? 1) !== 1) return undefined;
      return { activations: [0], channelAxis: intAttribute(node, 'transB', 0) === 0 ? 1 : 0 };
    }
    case 'Add':
    case 'Mul':
      return constant(0) || constant(1) ? undefined : { activations: [0, 1] };
    case 'GlobalAveragePool':
    case 'AveragePool':
    case 'Sigmoid':
      return { activations: [0] };
    case 'MaxPool':
    case 'Flatten':
      return node.outputs.length === 1 ? { activations: [0], sameScale: true } : undefined;
    default:
      return undefined;
  }
}
