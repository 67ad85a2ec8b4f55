import { countUses, type Graph, type GraphNode } from '../graph.ts';

/** Exporters write constants in float32, some of them with few digits. */
const NEAR = 1e-4;

/**
 * x (1 + erf(x / sqrt 2)) / 2, as exporters spell GELU up to operator set 19, as the operator that it is
 * (https://onnx.ai/onnx/operators/onnx__Gelu.html, of set 20): who knows it need not keep what is between.
 * @returns a new graph, in which what the operator takes the place of is still there where something else reads it
 */
export function recognizeGelu(graph: Graph): Graph {
  const uses = countUses(graph);
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const readers = new Map<string, GraphNode>();
  for (const node of graph.nodes) for (const name of node.inputs) readers.set(name, node);
  const isNumber = (name: string, value: number): boolean => {
    const tensor = graph.initializers.get(name);
    return tensor?.data.length === 1 && Math.abs(Number(tensor.data[0]) - value) < NEAR * value;
  };
  /** The other factor or summand of a node of two inputs, one of which fits. */
  const beside = (node: GraphNode | undefined, op: string, fits: (name: string) => boolean) => {
    if (node?.op !== op || node.domain !== '' || node.inputs.length !== 2) return undefined;
    const [a, b] = node.inputs as [string, string];
    return fits(a) ? b : fits(b) ? a : undefined;
  };
  /** The only node that reads a value. */
  const reader = (node: GraphNode): GraphNode | undefined =>
    uses.get(node.outputs[0]!) === 1 ? readers.get(node.outputs[0]!) : undefined;

  const found = new Map<GraphNode, GraphNode>();
  for (const erf of graph.nodes) {
    if (erf.op !== 'Erf' || erf.domain !== '') continue;
    const scaled = producers.get(erf.inputs[0]!);
    const x =
      beside(scaled, 'Mul', (name) => isNumber(name, Math.SQRT1_2)) ??
      (scaled?.op === 'Div' && isNumber(scaled.inputs[1]!, Math.SQRT2) ? scaled.inputs[0] : undefined);
    if (x === undefined) continue;
    const add = reader(erf);
    if (beside(add, 'Add', (name) => isNumber(name, 1)) !== erf.outputs[0]) continue;
    // 1 + erf is multiplied by x and by a half, one after the other or both at once.
    const isHalf = (name: string) => isNumber(name, 0.5);
    const sum = add!.outputs[0]!;
    const first = reader(add!);
    const factor = beside(first, 'Mul', (name) => name === sum);
    if (factor === undefined) continue;
    const second = reader(first!);
    const product = first!.outputs[0]!;
    const isHalfX = beside(producers.get(factor), 'Mul', isHalf) === x;
    const end = isHalfX
      ? first
      : factor === x && beside(second, 'Mul', isHalf) === product
        ? second
        : isHalf(factor) && beside(second, 'Mul', (name) => name === x) === product
          ? second
          : undefined;
    if (!end) continue;
    found.set(end, {
      op: 'Gelu',
      domain: '',
      name: end.name,
      inputs: [x],
      outputs: end.outputs,
      attributes: {},
    });
  }
  return { ...graph, nodes: graph.nodes.map((node) => found.get(node) ?? node) };
}
