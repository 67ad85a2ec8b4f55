import { cloneGraph, countUses, type Graph } from '../../core/onnx/graph.ts';
import { quantizedOperator } from '../../core/onnx/operators/index.ts';

/**
 * Leaves out every Relu that alone reads the result of a quantised operator, which then gives the Relu's
 * output. That is the same net only once the output is quantised with zero point 0, for quantisation clips
 * what is below it.
 * @returns a new graph, and the values that must be quantised so
 */
export function foldReluIntoQuantization(
  graph: Graph,
  isFloat?: (name: string) => boolean,
): { graph: Graph; clipped: Set<string> } {
  const folded = cloneGraph(graph);
  const uses = countUses(folded);
  const outputs = new Set(folded.outputs.map((output) => output.name));
  const producers = new Map(folded.nodes.map((node) => [node.outputs[0]!, node]));
  const clipped = new Set<string>();
  folded.nodes = folded.nodes.filter((node) => {
    if (node.op !== 'Relu' || node.domain !== '') return true;
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
