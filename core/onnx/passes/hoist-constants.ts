import { cloneGraph, type Graph } from '../graph.ts';

/** Makes initializers of Constant nodes, as exporters of some programs write all their weights. @returns a new graph */
export function hoistConstants(graph: Graph): Graph {
  const hoisted = cloneGraph(graph);
  hoisted.nodes = hoisted.nodes.filter(({ op, domain, outputs, attributes }) => {
    const { value } = attributes;
    const [name = ''] = outputs;
    if (op !== 'Constant' || domain !== '' || value?.type !== 'tensor' || name === '') return true;
    if (hoisted.outputs.some((output) => output.name === name)) return true;
    hoisted.initializers.set(name, value.value);
    return false;
  });
  return hoisted;
}
