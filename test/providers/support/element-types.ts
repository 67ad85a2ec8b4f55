import { type DataType, type Graph, intAttribute } from '../../../core/onnx/graph.ts';
import { dataTypeOf } from '../../../core/onnx/tensor-proto.ts';

const COMPARISONS = new Set(['Greater', 'GreaterOrEqual', 'LessOrEqual']);

/** The element type of every value of a step graph, whose operators all keep the type of their data. */
export function elementTypes(graph: Graph): Map<string, DataType> {
  const types = new Map(graph.inputs.map(({ name, dtype }) => [name, dtype]));
  for (const [name, { dtype }] of graph.initializers) types.set(name, dtype);
  for (const node of graph.nodes) {
    // The first input of Where is the condition.
    const own = types.get(node.inputs[node.op === 'Where' ? 1 : 0]!)!;
    const cast = node.op === 'Cast' ? dataTypeOf(intAttribute(node, 'to', 0))! : own;
    for (const output of node.outputs) types.set(output, COMPARISONS.has(node.op) ? 'bool' : cast);
  }
  return types;
}
