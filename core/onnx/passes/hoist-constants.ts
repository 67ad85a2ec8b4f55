import { cloneGraph, type Graph } from '../graph.ts';
import { constantValue } from '../operators/constants.ts';

/** Makes initializers of Constant nodes, as exporters of some programs write all their weights. @returns a new graph */
export function hoistConstants(graph: Graph): Graph {
  const hoisted = cloneGraph(graph);
  const outputs = new Set(hoisted.outputs.map(({ name }) => name));
  hoisted.nodes = hoisted.nodes.filter((node) => {
    const value = constantValue(node);
    const [name = ''] = node.outputs;
    if (!value || name === '' || outputs.has(name)) return true;
    hoisted.initializers.set(name, value);
    return false;
  });
  return hoisted;
}
