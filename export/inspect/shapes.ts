import type { Graph } from '../../core/onnx/graph.ts';
import { inferKnownShapes, type TensorShape } from '../../core/onnx/shape-inference.ts';
import type { ProfiledNode } from './profile.ts';

/** Under what name a node of the file is found in a profile. */
export function profiledName(index: number): string {
  return `inspected-node-${index}`;
}

/**
 * The shape of every value that is known: what onnxruntime made of it, where it ran the node, else what our
 * rules say (they are those of opset 15; of other versions an operator may differ).
 * @param graph sizes of its inputs known
 * @param profile of the same graph, its nodes named by {@link profiledName}
 */
export function valueShapes(graph: Graph, profile: readonly ProfiledNode[]): Map<string, TensorShape> {
  const ran = new Map(profile.map((node) => [node.name, node]));
  const measured = new Map(
    graph.nodes.flatMap((node, index) => {
      const outputs = node.outputs.filter((output) => output !== '');
      const shapes = ran.get(profiledName(index))?.shapes ?? [];
      return outputs.flatMap((output, i): [string, number[]][] => (shapes[i] ? [[output, shapes[i]]] : []));
    }),
  );
  return inferKnownShapes(graph, measured);
}
