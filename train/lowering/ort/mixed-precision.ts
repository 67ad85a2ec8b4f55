import { type Graph, type GraphNode, int } from '../../../core/onnx/graph.ts';
import { dataTypeCode } from '../../../core/onnx/tensor-proto.ts';
import type { StepBuilder } from './step-builder.ts';

/** Where nearly all of the time goes: always float16. */
const MATRIX_OPS: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);
/** Float16 if one of their inputs is, unless the result is only wanted in float32, as by a statistic. */
const ELEMENTWISE_OPS: ReadonlySet<string> = new Set([
  ...['Add', 'Sub', 'Mul', 'Div', 'Neg', 'Relu', 'Sigmoid', 'Greater'],
]);
/** Move values without computing: as their input is, or as their result is wanted. */
const MOVING_OPS: ReadonlySet<string> = new Set([
  ...['Concat', 'Expand', 'Gather', 'Pad', 'Reshape', 'Slice', 'Split', 'Transpose'],
]);
// All others (sums, means, roots, exponentials, logarithms) are float32.

type Type = 'float16' | 'float32';
/** What the readers of a value want it in; `either` if they do not agree. */
type Demand = Type | 'either';

/**
 * Makes the nodes emitted so far compute in mixed precision (Micikevicius et al. 2018, arXiv:1710.03740):
 * matrix products and the activations between them in float16; reductions, batch norm's statistics and the
 * loss in float32. Casts are put where the two meet, one a value.
 * @param results names of values that are read further on, in float32; they keep their names
 */
export function useMixedPrecision(b: StepBuilder, results: readonly string[]): void {
  const { graph } = b;
  const demands = collectDemands(graph, results);
  const types = new Map<string, Type>();
  for (const { name, dtype } of graph.inputs) if (dtype === 'float32') types.set(name, 'float32');
  for (const [name, { dtype }] of graph.initializers) if (dtype === 'float32') types.set(name, 'float32');
  const kept = new Set(results);
  const casts = new Map<string, string>();
  const nodes: GraphNode[] = [];

  const cast = (from: string, to: string, type: Type) => {
    const attributes = { to: int(dataTypeCode(type)) };
    nodes.push({ op: 'Cast', domain: '', name: `Cast:${to}`, inputs: [from], outputs: [to], attributes });
  };
  const inType = (name: string, type: Type): string => {
    if ((types.get(name) ?? type) === type) return name;
    const key = `${name}:${type}`;
    let found = casts.get(key);
    if (found === undefined) {
      found = b.graphBuilder.unique(`${name}_${type}`);
      casts.set(key, found);
      cast(name, found, type);
    }
    return found;
  };

  for (const node of graph.nodes) {
    const type = typeOf(node, types, demands);
    const inputs = node.inputs.map((name) => inType(name, type));
    if (node.op === 'Greater') {
      nodes.push({ ...node, inputs });
      continue;
    }
    const attributes = node.op === 'Cast' ? { to: int(dataTypeCode(type)) } : node.attributes;
    const renamed: [own: string, name: string][] = [];
    const outputs = node.outputs.map((name) => {
      types.set(name, type);
      if (type === 'float32' || !kept.has(name)) return name;
      const own = b.graphBuilder.unique(`${name}_${type}`);
      renamed.push([own, name]);
      return own;
    });
    nodes.push({ ...node, inputs, outputs, attributes });
    for (const [own, name] of renamed) {
      cast(own, name, 'float32');
      casts.set(`${name}:float16`, own);
      types.set(name, 'float32');
    }
  }
  graph.nodes = nodes;
}

function typeOf(
  node: GraphNode,
  types: ReadonlyMap<string, Type>,
  demands: ReadonlyMap<string, Demand>,
): Type {
  if (MATRIX_OPS.has(node.op)) return 'float16';
  const given = node.inputs.flatMap((name) => types.get(name) ?? []);
  const someHalf = given.includes('float16');
  const wanted = demands.get(node.outputs[0]!) ?? 'either';
  // The only casts there are turn truth values into factors.
  if (node.op === 'Cast') return wanted === 'float32' ? 'float32' : 'float16';
  if (ELEMENTWISE_OPS.has(node.op)) return someHalf && wanted !== 'float32' ? 'float16' : 'float32';
  if (!MOVING_OPS.has(node.op)) return 'float32';
  if (someHalf !== given.includes('float32')) {
    return someHalf || wanted === 'float16' ? 'float16' : 'float32';
  }
  return wanted === 'float16' ? 'float16' : 'float32';
}

/** Follows what is wanted from the readers back through whatever passes values on. */
function collectDemands(graph: Graph, results: readonly string[]): Map<string, Demand> {
  const demands = new Map<string, Demand>();
  const add = (name: string, demand: Demand) => {
    const known = demands.get(name);
    demands.set(name, known === undefined || known === demand ? demand : 'either');
  };
  for (const name of results) add(name, 'float32');
  for (const node of graph.nodes.toReversed()) {
    const passesOn = ELEMENTWISE_OPS.has(node.op) || MOVING_OPS.has(node.op) || node.op === 'Cast';
    const demand = MATRIX_OPS.has(node.op)
      ? 'float16'
      : passesOn
        ? (demands.get(node.outputs[0]!) ?? 'either')
        : 'float32';
    for (const name of node.inputs) add(name, demand);
  }
  return demands;
}
