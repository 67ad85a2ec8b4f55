import type { onnx as Onnx } from 'onnx-proto';

/** Every value name in a graph and its subgraphs. */
export function valueNames(graph: Onnx.IGraphProto): Set<string> {
  const names = new Set<string>();
  visit(graph, (name) => {
    names.add(name);
    return name;
  });
  return names;
}

/** Renames values everywhere in a graph and its subgraphs; the new names must be in use nowhere. */
export function renameValues(graph: Onnx.IGraphProto, names: ReadonlyMap<string, string>): void {
  visit(graph, (name) => names.get(name) ?? name);
}

/** Replaces each name by what `rename` makes of it. */
function visit(graph: Onnx.IGraphProto, rename: (name: string) => string): void {
  const named = [graph.initializer, graph.input, graph.output, graph.valueInfo].flatMap((list) => list ?? []);
  for (const value of named) value.name = rename(value.name ?? '');
  for (const annotation of graph.quantizationAnnotation ?? []) {
    annotation.tensorName = rename(annotation.tensorName ?? '');
    for (const entry of annotation.quantParameterTensorNames ?? []) entry.value = rename(entry.value ?? '');
  }
  for (const node of graph.node ?? []) {
    node.input = (node.input ?? []).map(rename);
    node.output = (node.output ?? []).map(rename);
    for (const { g } of node.attribute ?? []) if (g) visit(g, rename);
  }
}
