import type { DataType, Graph, GraphNode, TensorValue } from '../../core/onnx/graph.ts';
import { constantValue } from '../../core/onnx/operators/constants.ts';
import { OPERATORS } from '../../core/onnx/operators/index.ts';

/** A tensor that a layer learned. */
export interface Parameter {
  name: string;
  tensor: TensorValue;
}

const WEIGHT_TYPES: readonly DataType[] = [
  ...(['float32', 'float16', 'bfloat16', 'float64', 'int8', 'uint8', 'int32', 'int4', 'uint4'] as const),
  ...(['float8e4m3fn', 'float8e4m3fnuz', 'float8e5m2', 'float8e5m2fnuz'] as const),
];

/** Gives its first input in another form, and learns nothing itself; onnxruntime has some in a domain of its own. */
function handsOn({ op }: GraphNode): boolean {
  const moves = OPERATORS.get(op)?.moves;
  return moves === 'all' || moves === 'rounded';
}

/**
 * The tensors that each node learned, in the graph's order; one that several nodes share is the first's. They
 * are found behind operators that change their form only, e.g. of quantised models, and may be constants of the
 * file of any kind; scalars are none.
 */
export function parametersOf(graph: Graph): Map<GraphNode, Parameter[]> {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node])));
  const taken = new Set<string>();

  const find = (name: string): Parameter | undefined => {
    const tensor = graph.initializers.get(name);
    if (tensor) return { name, tensor };
    const producer = producers.get(name);
    const value = constantValue(producer);
    if (value) return { name, tensor: value };
    return producer && handsOn(producer) ? find(producer.inputs[0] ?? '') : undefined;
  };

  const parameters = (node: GraphNode): Parameter[] => {
    const slots = OPERATORS.get(node.op)?.weights;
    return node.inputs.flatMap((input, index) => {
      if (input === '' || (slots && !slots.includes(index))) return [];
      const found = find(input);
      if (!found || taken.has(found.name)) return [];
      if (found.tensor.dims.length === 0 || !WEIGHT_TYPES.includes(found.tensor.dtype)) return [];
      taken.add(found.name);
      return [found];
    });
  };
  return new Map(graph.nodes.map((node) => [node, parameters(node)]));
}
