import { GraphBuilder } from '../builder.ts';
import { cloneGraph, type Graph, ints } from '../graph.ts';

/**
 * Turns the image input [batch, channels, height, width] of a graph into one of the same name
 * [batch, height, width, channels], with a Transpose after it.
 * @returns a new graph that shares the tensors
 */
export function takeNhwcInput(graph: Graph): Graph {
  const nhwc = cloneGraph(graph);
  const input = nhwc.inputs[0]!;
  const [batch, channels, height, width] = input.dims;
  const planar = new GraphBuilder(nhwc).unique(`${input.name}.nchw`);
  for (const node of nhwc.nodes) {
    node.inputs = node.inputs.map((name) => (name === input.name ? planar : name));
  }
  nhwc.inputs[0] = { ...input, dims: [batch!, height!, width!, channels!] };
  nhwc.nodes.unshift({
    op: 'Transpose',
    domain: '',
    name: `Transpose:${planar}`,
    inputs: [input.name],
    outputs: [planar],
    attributes: { perm: ints([0, 3, 1, 2]) },
  });
  return nhwc;
}
