import type { Onnx } from './newer-fields.ts';

/** Every value name in a graph and its subgraphs. */
export function valueNames(graph: Onnx.IGraphProto): Set<string> {
  const names = new Set<string>();
  visitGraph(graph, (name) => {
    names.add(name);
    return name;
  });
  return names;
}

/** Renames values everywhere in a graph and its subgraphs; the new names must be in use nowhere. */
export function renameValues(graph: Onnx.IGraphProto, names: ReadonlyMap<string, string>): void {
  visitGraph(graph, (name) => names.get(name) ?? name);
}

/** Replaces each name in a graph, and in the subgraphs of its nodes, by what `rename` makes of it. */
function visitGraph(graph: Onnx.IGraphProto, rename: (name: string) => string): void {
  const named = [graph.initializer, graph.input, graph.output, graph.valueInfo].flatMap((list) => list ?? []);
  for (const value of named) value.name = rename(value.name ?? '');
  for (const { values } of graph.sparseInitializer ?? []) if (values) values.name = rename(values.name ?? '');
  for (const annotation of graph.quantizationAnnotation ?? []) {
    annotation.tensorName = rename(annotation.tensorName ?? '');
    for (const entry of annotation.quantParameterTensorNames ?? []) entry.value = rename(entry.value ?? '');
  }
  for (const node of graph.node ?? []) {
    renameInNode(node, rename);
    for (const body of subgraphs(node)) visitGraph(body, rename);
  }
}

/** Replaces the names of the values that a node itself reads, gives and says how to spread over devices. */
export function renameInNode(node: Onnx.INodeProto, rename: (name: string) => string): void {
  node.input = (node.input ?? []).map(rename);
  node.output = (node.output ?? []).map(rename);
  for (const sharding of (node.deviceConfigurations ?? []).flatMap(
    ({ shardingSpec }) => shardingSpec ?? [],
  )) {
    if (sharding.tensorName) sharding.tensorName = rename(sharding.tensorName);
  }
}

/** The bodies of a node of control flow. */
export function subgraphs(node: Onnx.INodeProto): Onnx.IGraphProto[] {
  return (node.attribute ?? []).flatMap(({ g, graphs }) => [...(g ? [g] : []), ...(graphs ?? [])]);
}
