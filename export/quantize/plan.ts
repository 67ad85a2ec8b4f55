import { cloneGraph, countUses, floatAttribute, type Graph, type GraphNode } from '../../core/onnx/graph.ts';
import { quantizedOperator } from '../../core/onnx/operators/index.ts';

/** What is to be quantised in a graph. */
export interface QuantizationPlan {
  /** The graph without the Relus and Clips that quantisation makes superfluous; still float32. */
  graph: Graph;
  /**
   * Every value to be quantised, with the value whose scale it has: mostly itself, else the one it was
   * picked or moved from.
   */
  scaleOf: Map<string, string>;
  /** Whether a value is float32. */
  isFloat: (name: string) => boolean;
}

/** Plans the quantisation of all that quantised operators read and write, but for the graph's outputs. */
export function planQuantization(
  graph: Graph,
  isFloat: (name: string) => boolean = () => true,
): QuantizationPlan {
  const { graph: folded, clipped } = foldIntoQuantization(graph, isFloat);
  const outputs = new Set(folded.outputs.map((output) => output.name));
  const scaleOf = new Map<string, string>();
  for (const node of folded.nodes) {
    const operator = quantizedOperator(node, folded, isFloat);
    if (!operator) continue;
    for (const index of operator.activations) {
      const input = node.inputs[index]!;
      if (!scaleOf.has(input)) scaleOf.set(input, input);
    }
    // Left in float32, the last layer gives the logits in full precision, at no cost in time.
    const output = node.outputs[0]!;
    if (outputs.has(output) || operator.floatOutput || !isFloat(output)) continue;
    const moved = operator.sameScale ? scaleOf.get(node.inputs[0]!)! : output;
    scaleOf.set(output, moved);
  }
  for (const value of clipped) scaleOf.set(value, value);
  return { graph: folded, scaleOf, isFloat };
}

/**
 * Leaves out every Relu, and every Clip from zero on (ReLU6), that alone reads the result of a quantised operator,
 * which then gives its output. That is the same net only once the output is quantised with zero point 0 and a range
 * that ends where the Clip does, for quantisation clips what is beyond. Left in, the sum before it would be quantised
 * too, over a range that may be many times as wide.
 * @returns a new graph, and the values that must be quantised so
 */
function foldIntoQuantization(
  graph: Graph,
  isFloat?: (name: string) => boolean,
): { graph: Graph; clipped: Set<string> } {
  const folded = cloneGraph(graph);
  const uses = countUses(folded);
  const outputs = new Set(folded.outputs.map((output) => output.name));
  const producers = new Map(folded.nodes.map((node) => [node.outputs[0]!, node]));
  const clipped = new Set<string>();
  folded.nodes = folded.nodes.filter((node) => {
    if (node.domain !== '' || !clipsAtZero(node, folded)) return true;
    const [input = ''] = node.inputs;
    const [output = ''] = node.outputs;
    const producer = producers.get(input);
    if (!producer || uses.get(input) !== 1 || outputs.has(output)) return true;
    if (!quantizedOperator(producer, folded, isFloat)?.clips) return true;
    producer.outputs = [output];
    clipped.add(output);
    return false;
  });
  return { graph: folded, clipped };
}

/** The range is of what calibration saw after it, so its upper end is that of the Clip without being asked for. */
function clipsAtZero(node: GraphNode, { initializers }: Graph): boolean {
  if (node.op === 'Relu') return true;
  if (node.op !== 'Clip') return false;
  const [, min] = node.inputs;
  const lower = min ? initializers.get(min)?.data[0] : floatAttribute(node, 'min', Number.NEGATIVE_INFINITY);
  return lower === 0 && (!node.inputs[2] || initializers.has(node.inputs[2]));
}
