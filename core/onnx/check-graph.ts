import { UserError } from '../errors.ts';
import type { Graph } from './graph.ts';

/**
 * Checks that a graph in topological order can be run: every value has one definition, and is defined before it
 * is read.
 * @param outer the values around a subgraph, which it may read
 * @throws UserError naming the node
 */
export function checkGraph(graph: Graph, source: string, outer?: (name: string) => boolean): void {
  const defined = new Set<string>();
  const isDefined = (name: string): boolean => defined.has(name) || (outer?.(name) ?? false);
  const define = (name: string, what: string): void => {
    if (name === '') throw new UserError(`${source}: ${what} has no name`);
    if (defined.has(name)) throw new UserError(`${source}: "${name}" is defined twice, again as ${what}`);
    defined.add(name);
  };
  for (const name of graph.initializers.keys()) define(name, 'an initializer');
  for (const { name } of graph.inputs) define(name, 'a graph input');

  for (const node of graph.nodes) {
    const what = `node "${node.name || node.outputs[0] || ''}" (${node.op})`;
    if (node.op === '') throw new UserError(`${source}: ${what} has no operator`);
    for (const input of node.inputs) {
      if (input === '' || isDefined(input)) continue;
      throw new UserError(
        `${source}: ${what} reads "${input}", which is no input, initializer or output of a node; the file lacks it`,
      );
    }
    for (const attribute of Object.values(node.attributes)) {
      if (attribute.type === 'graph') checkGraph(attribute.value, source, isDefined);
    }
    for (const output of node.outputs) if (output !== '') define(output, `an output of ${what}`);
  }
  const outputs = new Set<string>();
  for (const { name } of graph.outputs) {
    if (!isDefined(name)) throw new UserError(`${source}: nothing computes the graph output "${name}"`);
    if (outputs.has(name)) throw new UserError(`${source}: the graph output "${name}" is there twice`);
    outputs.add(name);
  }
  if (graph.outputs.length === 0 && !graph.otherOutputs)
    throw new UserError(`${source}: its graph has no outputs`);
}
