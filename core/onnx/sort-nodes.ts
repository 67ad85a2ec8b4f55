import { UserError } from '../errors.ts';
import type { Onnx } from './newer-fields.ts';
import { subgraphs } from './rename-values.ts';

/**
 * Puts a graph's nodes, and those of its subgraphs, in an order in which each comes after all that it reads, as
 * onnxruntime does before it runs them; the format wants that of files, but not every program keeps to it. Where
 * the file's order is one it stays.
 * @throws UserError if there is no such order, for nodes wait for each other in a cycle
 */
export function sortNodes(graph: Onnx.IGraphProto, source: string): void {
  const nodes = graph.node ?? [];
  for (const node of nodes) for (const body of subgraphs(node)) sortNodes(body, source);
  const given = new Set(namesGivenTo(graph));
  const producers = new Map<string, number>();
  nodes.forEach(({ output }, index) => {
    for (const name of output ?? []) {
      if (name && !given.has(name) && !producers.has(name)) producers.set(name, index);
    }
  });
  const waitsFor = nodes.map((node) => [
    ...new Set([...readBy(node)].flatMap((name) => producers.get(name) ?? [])),
  ]);
  const order: Onnx.INodeProto[] = [];
  const done = nodes.map(() => false);
  /** How many of those that a node waits for were looked at; undefined before it was begun. */
  const looked: (number | undefined)[] = nodes.map(() => undefined);
  // Depth first, on a stack of its own: a graph may be a chain of any length.
  for (const first of nodes.keys()) {
    const path = done[first] ? [] : [first];
    while (path.length > 0) {
      const index = path.at(-1)!;
      const at = looked[index] ?? 0;
      looked[index] = at + 1;
      const next = waitsFor[index]![at];
      if (next === undefined) {
        done[index] = true;
        order.push(nodes[index]!);
        path.pop();
      } else if (!done[next]) {
        if (looked[next] !== undefined) throw cycle(nodes, path.slice(path.indexOf(next)), source);
        path.push(next);
      }
    }
  }
  graph.node = order;
}

function cycle(nodes: readonly Onnx.INodeProto[], indices: readonly number[], source: string): UserError {
  const names = indices.slice(0, 4).map((index) => {
    const { name, opType, output } = nodes[index]!;
    return `"${name || output?.[0] || ''}" (${opType})`;
  });
  const more = indices.length > names.length ? ` and ${indices.length - names.length} more` : '';
  return new UserError(
    `${source}: its nodes wait for each other in a cycle, ${names.join(' before ')}${more}, so nothing can run them`,
  );
}

/** What a node reads, by itself or within its subgraphs, of the graph that it is in. */
function readBy(node: Onnx.INodeProto): Set<string> {
  const names = new Set((node.input ?? []).filter((name) => name !== ''));
  for (const body of subgraphs(node)) for (const name of readFromOutside(body)) names.add(name);
  return names;
}

function readFromOutside(graph: Onnx.IGraphProto): Set<string> {
  const nodes = graph.node ?? [];
  const names = new Set<string>(nodes.flatMap((node) => [...readBy(node)]));
  for (const { name } of graph.output ?? []) if (name) names.add(name);
  for (const name of [...namesGivenTo(graph), ...nodes.flatMap(({ output }) => output ?? [])])
    names.delete(name);
  return names;
}

/** The values that are there before any node has run. */
function namesGivenTo({ input, initializer }: Onnx.IGraphProto): string[] {
  return [...(input ?? []), ...(initializer ?? [])].map(({ name }) => name ?? '');
}
