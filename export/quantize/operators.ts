import { floatAttribute, type Graph, type GraphNode, intAttribute } from '../../core/onnx/graph.ts';

/** How an operator computes in int8. */
export interface QuantizedOperator {
  /** Which inputs are activations. */
  activations: number[];
  /** For operators with a weight: the axis of the weight (input 1) that counts output channels. */
  channelAxis?: number;
  /** The output has the scale and zero point of the input: values are only moved or picked. */
  sameScale?: true;
  /** The output is not quantised with it: what adds a bias next reads float32. */
  floatOutput?: true;
}

/**
 * How a node is quantised, undefined if it stays in float32. The list is what onnxruntime's CPU provider
 * fuses into integer kernels (`qdq_selector_action_transformer.cc`); a pair of quantisations around anything
 * else would only cost time.
 * @param isFloat whether a value is float32, in graphs that may compute with others
 */
export function quantizedOperator(
  node: GraphNode,
  graph: Graph,
  isFloat: (name: string) => boolean = () => true,
): QuantizedOperator | undefined {
  const operator = node.domain === '' ? operatorOf(node, graph) : undefined;
  return operator?.activations.every((index) => isFloat(node.inputs[index]!)) ? operator : undefined;
}

function operatorOf(node: GraphNode, graph: Graph): QuantizedOperator | undefined {
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
    case 'MatMul':
      return constant(1)?.dtype === 'float32' && isWide(constant(1)!.dims) && !constant(0)
        ? { activations: [0], channelAxis: 1, floatOutput: true }
        : undefined;
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

/** A matrix that is worth it: others only rearrange a few values. */
function isWide(dims: readonly number[]): boolean {
  return dims.length === 2 && dims[0]! >= 8;
}
