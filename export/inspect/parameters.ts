import type { DataType, Graph, GraphNode, TensorValue } from '../../core/onnx/graph.ts';

/** A tensor that a layer learned. */
export interface Parameter {
  name: string;
  tensor: TensorValue;
}

/** Operators that hand on their first input, as it is or in another form, and learn nothing themselves. */
const HANDED_ON = new Set([
  ...[
    'Cast',
    'DequantizeLinear',
    'Identity',
    'QuantizeLinear',
    'Reshape',
    'Squeeze',
    'Transpose',
    'Unsqueeze',
  ],
]);
/** Operators whose constants are sizes, limits and the like. */
const WITHOUT_WEIGHTS = new Set([
  ...HANDED_ON,
  'Clip',
  'Pad',
  'Resize',
  'Upsample',
  'ConstantOfShape',
  'Dropout',
]);
/** Where others keep running statistics, scales and zero points beside the weights, the inputs that are weights. */
const WEIGHT_INPUTS: Readonly<Record<string, readonly number[]>> = {
  BatchNormalization: [1, 2],
  QLinearConv: [3, 8],
  QLinearMatMul: [0, 3],
  ConvInteger: [1],
  MatMulInteger: [0, 1],
};

const WEIGHT_TYPES: readonly DataType[] = [
  ...(['float32', 'float16', 'bfloat16', 'float64', 'int8', 'uint8', 'int32', 'int4', 'uint4'] as const),
  ...(['float8e4m3fn', 'float8e4m3fnuz', 'float8e5m2', 'float8e5m2fnuz'] as const),
];

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
    const value = producer?.op === 'Constant' ? producer.attributes.value : undefined;
    if (value?.type === 'tensor') return { name, tensor: value.value };
    return producer && HANDED_ON.has(producer.op) ? find(producer.inputs[0] ?? '') : undefined;
  };

  const parameters = (node: GraphNode): Parameter[] => {
    if (WITHOUT_WEIGHTS.has(node.op)) return [];
    const slots = WEIGHT_INPUTS[node.op];
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
