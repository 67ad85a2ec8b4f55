import onnxProto, { type onnx as Onnx } from 'onnx-proto';
import { UserError } from '../errors.ts';
import { describeType } from '../onnx/decode-model.ts';

const { onnx } = onnxProto;
const Type = onnx.TensorProto.DataType;

/** What scores can be; whole numbers are the index of the best class, or quantised. */
const FLOATS: readonly unknown[] = [Type.FLOAT, Type.FLOAT16, Type.DOUBLE, Type.BFLOAT16];

/**
 * Leaves of a model's outputs only the one with the scores, and of its nodes those that this one needs: what
 * others give beside (the name of the best class as text, its index, a dictionary) is nobody's concern, and of types
 * that need not be known; nor are inputs that nothing reads. Of a ZipMap, which makes dictionaries of scores, its input is taken.
 * @param graph changed
 * @param wanted the name of an output, or of any value in the graph; left out: the only one with floats
 * @returns class names where a ZipMap has them, and whether anything was left out
 * @throws UserError if there is no such output, or more than one
 */
export function keepScores(
  graph: Onnx.IGraphProto,
  wanted: string | undefined,
  source: string,
): { labels?: string[]; changed: boolean } {
  const outputs = graph.output ?? [];
  const nodes = graph.node ?? [];
  const maps = nodes.filter(({ opType }) => opType === 'ZipMap');
  const zipped = maps.find(
    ({ output }) => output?.[0] !== undefined && outputs.some(({ name }) => name === output[0]),
  );
  const chosen = choose(outputs, nodes, wanted, zipped, source);
  const labels =
    zipped && (chosen === zipped.input?.[0] || chosen === zipped.output?.[0]) ? labelsOf(zipped) : undefined;
  const value = zipped && chosen === zipped.output?.[0] ? (zipped.input?.[0] ?? '') : chosen;
  const kept = outputs.find(({ name }) => name === value) ??
    graph.valueInfo?.find(({ name }) => name === value) ?? {
      name: value,
      type: { tensorType: { elemType: Type.FLOAT } },
    };
  const needed = nodesFor(value, nodes);
  const read = new Set([value, ...needed.flatMap(valuesRead)]);
  const inputs = (graph.input ?? []).filter(({ name }) => read.has(name ?? ''));
  // Keras's exporter makes inputs of constants that it then folds away.
  const isRead = inputs.length === 0 || inputs.length === (graph.input ?? []).length;
  const changed = outputs.length !== 1 || outputs[0] !== kept || needed.length !== nodes.length || !isRead;
  if (changed) {
    graph.output = [kept];
    graph.node = needed;
    graph.initializer = (graph.initializer ?? []).filter(({ name }) => read.has(name ?? ''));
    // Older models list initializers among their inputs; those that are gone would be inputs now.
    if (inputs.length > 0) graph.input = inputs;
    graph.valueInfo = (graph.valueInfo ?? []).filter(({ name }) => read.has(name ?? ''));
  }
  return { ...(labels ? { labels } : {}), changed };
}

function choose(
  outputs: readonly Onnx.IValueInfoProto[],
  nodes: readonly Onnx.INodeProto[],
  wanted: string | undefined,
  zipped: Onnx.INodeProto | undefined,
  source: string,
): string {
  const list = outputs.map((output) => `"${output.name}" (${describeType(output.type)})`).join(', ');
  if (wanted !== undefined) {
    if (outputs.some(({ name }) => name === wanted)) return wanted;
    if (nodes.some(({ output }) => output?.includes(wanted))) return wanted;
    throw new UserError(`${source} has no output "${wanted}"; it has ${list}`);
  }
  if (outputs.length === 1) return outputs[0]!.name ?? '';
  const floats = outputs.filter(({ type }) => FLOATS.includes(type?.tensorType?.elemType ?? 0));
  if (floats.length === 1) return floats[0]!.name ?? '';
  if (floats.length === 0 && zipped) return zipped.output?.[0] ?? '';
  if (outputs.length === 0) throw new UserError(`${source} has no output`);
  throw new UserError(`${source} has the outputs ${list}; say which is meant with "output" in its JSON file`);
}

/** The nodes that a value is computed from, in their order. */
function nodesFor(value: string, nodes: readonly Onnx.INodeProto[]): Onnx.INodeProto[] {
  const producers = new Map(
    nodes.flatMap((node) => (node.output ?? []).map((name) => [name, node] as const)),
  );
  const needed = new Set<Onnx.INodeProto>();
  const open = [value];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = producers.get(name);
    if (!node || needed.has(node)) continue;
    needed.add(node);
    open.push(...valuesRead(node));
  }
  return nodes.filter((node) => needed.has(node));
}

/** What a node and the bodies in it read; names inside a body are among them and do no harm. */
function valuesRead({ input, attribute }: Onnx.INodeProto): string[] {
  const bodies = (attribute ?? []).flatMap(({ g, graphs }) => [...(g ? [g] : []), ...(graphs ?? [])]);
  return [
    ...(input ?? []),
    ...bodies.flatMap((body) => [
      ...(body.node ?? []).flatMap(valuesRead),
      ...(body.output ?? []).map(({ name }) => name ?? ''),
    ]),
  ];
}

function labelsOf({ attribute }: Onnx.INodeProto): string[] | undefined {
  const utf8 = new TextDecoder();
  const find = (name: string) => attribute?.find((each) => each.name === name);
  const strings = find('classlabels_strings')?.strings ?? [];
  if (strings.length > 0) return strings.map((text) => utf8.decode(text));
  const numbers = find('classlabels_int64s')?.ints ?? [];
  return numbers.length > 0 ? numbers.map(String) : undefined;
}
