import type { Graph } from '../../core/onnx/graph.ts';
import { quantizedOperator } from '../../core/onnx/operators/index.ts';
import { foldReluIntoQuantization } from './fold-relu.ts';

/** What is to be quantised in a graph. */
export interface QuantizationPlan {
  /** The graph without the Relus that quantisation makes superfluous; still float32. */
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
  const { graph: folded, clipped } = foldReluIntoQuantization(graph, isFloat);
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
