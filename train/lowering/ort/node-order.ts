import type { Graph } from '../../../core/onnx/graph.ts';

/**
 * Puts the nodes that do not depend on the images (filters laid out anew or transformed) before all others.
 * onnxruntime runs the inputs of a node in order of their place in the file, the last first: so a filter is
 * made just before the convolution that reads it, not that of every layer before the first convolution.
 */
export function weightsFirst(graph: Graph): void {
  const late = new Set(['images', 'targets']);
  const depends = graph.nodes.map((node) => {
    const isLate = node.inputs.some((name) => late.has(name));
    if (isLate) for (const output of node.outputs) late.add(output);
    return isLate;
  });
  const nodes = graph.nodes;
  graph.nodes = [...nodes.filter((_, i) => !depends[i]), ...nodes.filter((_, i) => depends[i])];
}
