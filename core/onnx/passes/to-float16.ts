import { UserError } from '../../errors.ts';
import { MAX_FLOAT16, toFloat16 } from '../../weights/to-float16.ts';
import { GraphBuilder } from '../builder.ts';
import {
  type Attribute,
  cloneGraph,
  type Graph,
  type GraphNode,
  int,
  type TensorValue,
  type ValueInfo,
} from '../graph.ts';
import { constantValue } from '../operators/constants.ts';
import { operatorOf } from '../operators/index.ts';
import { dataTypeCode } from '../tensor-proto.ts';

/**
 * Makes a float32 graph compute in float16: weights and constants are rounded, and a Cast after each float32
 * input and before each float32 output keeps the graph's interface as it was.
 * @returns a new graph; the input and its tensors are untouched
 * @throws UserError naming the tensor, if a weight is beyond what float16 holds, or the operator, if it is not
 *   one that can simply be run in float16
 */
export function convertToFloat16(graph: Graph): Graph {
  const half = cloneGraph(graph);
  const names = new GraphBuilder(half);
  const renamed = new Map<string, string>();
  const rename = (list: readonly ValueInfo[]): Map<string, string> => {
    const own = new Map<string, string>();
    for (const { name, dtype } of list)
      if (dtype === 'float32') own.set(name, names.unique(`${name}.float16`));
    for (const [name, inner] of own) renamed.set(name, inner);
    return own;
  };
  const before = [...rename(half.inputs)].map(([name, inner]) => cast(name, inner, 'float16'));
  const after = [...rename(half.outputs)].map(([name, inner]) => cast(inner, name, 'float32'));
  const inner = (name: string): string => renamed.get(name) ?? name;
  const nodes = half.nodes.map((node) => {
    if (!operatorOf(node)?.half && !constantValue(node)) {
      throw new UserError(`node "${node.name}" (${node.op}) cannot be run in float16; export it as fp32`);
    }
    const attributes = Object.entries(node.attributes).map(([key, value]): [string, Attribute] => [
      key,
      halfAttribute(value, node.name),
    ]);
    return {
      ...node,
      inputs: node.inputs.map(inner),
      outputs: node.outputs.map(inner),
      attributes: Object.fromEntries(attributes),
    };
  });
  half.nodes = [...before, ...nodes, ...after];
  for (const [name, tensor] of half.initializers) half.initializers.set(name, halfTensor(tensor, name));
  return half;
}

function cast(from: string, to: string, dtype: 'float16' | 'float32'): GraphNode {
  const attributes = { to: int(dataTypeCode(dtype)) };
  return { op: 'Cast', domain: '', name: `Cast:${to}`, inputs: [from], outputs: [to], attributes };
}

function halfAttribute(attribute: Attribute, where: string): Attribute {
  return attribute.type === 'tensor'
    ? { type: 'tensor', value: halfTensor(attribute.value, where) }
    : attribute;
}

/**
 * A float32 tensor in float16; one of another type as it is.
 * @throws UserError if a value is beyond what float16 holds
 */
export function halfTensor(tensor: TensorValue, name: string): TensorValue {
  if (!(tensor.data instanceof Float32Array)) return tensor;
  const data = toFloat16(tensor.data);
  // Infinity, where the float32 was finite. One that was not is for the verification to find.
  const at = data.findIndex((bits, i) => (bits & 0x7fff) === 0x7c00 && Number.isFinite(tensor.data[i]));
  if (at >= 0) {
    const value = tensor.data[at]!;
    throw new UserError(
      `tensor "${name}" has a value of ${value}, float16 ends at ${MAX_FLOAT16}; export it as fp32`,
    );
  }
  return { dtype: 'float16', dims: tensor.dims, data };
}
