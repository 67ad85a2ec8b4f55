import { UserError } from '../../core/errors.ts';
import { type Graph, type GraphNode, intAttribute, sizeOf, type TensorValue } from '../../core/onnx/graph.ts';
import { Random } from '../../core/random.ts';

/** The layer that tells the classes apart. */
export interface Head {
  /** Gemm, MatMul or Conv of 1x1. */
  node: GraphNode;
  /** Initializers: what a new head replaces. */
  weight: string;
  bias?: string;
  /** The axis of the weight that counts the classes. */
  axis: number;
  classes: number;
}

/** What may stand between the head and the scores: it treats the classes alike. */
const PASSED: ReadonlySet<string> = new Set([
  ...[
    'Softmax',
    'LogSoftmax',
    'Sigmoid',
    'Log',
    'Exp',
    'Add',
    'Mul',
    'Div',
    'Clip',
    'Relu',
    'Identity',
    'Cast',
  ],
  ...['Flatten', 'Reshape', 'Squeeze', 'Unsqueeze', 'Dropout', 'Transpose'],
  ...['GlobalAveragePool', 'AveragePool', 'ReduceMean'],
]);
/** What turns scores into probabilities; the loss has a softmax of its own. */
const TO_PROBABILITIES: ReadonlySet<string> = new Set(['Softmax', 'LogSoftmax', 'Sigmoid', 'Log', 'Exp']);

/**
 * Finds a classifier's head: the last Gemm, MatMul or 1x1 Conv with a weight of its own before the scores.
 * @param named the name of its node, of its weight or of its output, where it cannot be known
 * @throws UserError if there is none to be found, or the one named is none
 */
export function findHead(graph: Graph, named?: string): Head {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  if (named !== undefined) {
    const node = graph.nodes.find(
      ({ name, inputs, outputs }) => name === named || outputs.includes(named) || inputs[1] === named,
    );
    const head = node && headOf(graph, node);
    if (head) return head;
    const what = node
      ? `is a ${node.op}, not a Gemm, MatMul or 1x1 Conv with a weight of its own`
      : 'is no node';
    throw new UserError(`--head ${named}: that ${what} of the model; npm run inspect lists its nodes`);
  }
  let value = graph.outputs[0]!.name;
  for (;;) {
    const node = producers.get(value);
    const head = node && headOf(graph, node);
    if (head) return head;
    // Of an Add, the bias is an initializer, and the way goes on with the other.
    const next = node?.inputs.filter((name) => name !== '' && producers.has(name)) ?? [];
    if (!node || !PASSED.has(node.op) || next.length !== 1) {
      const place = node ? `a ${node.op} ("${node.name || value}")` : `"${value}"`;
      throw new UserError(
        `the layer that tells the classes apart is not known: before the scores stands ${place}; name it with --head NODE`,
      );
    }
    value = next[0]!;
  }
}

function headOf(graph: Graph, node: GraphNode): Head | undefined {
  const weight = node.inputs[1] ?? '';
  const dims = graph.initializers.get(weight)?.dims;
  if (!dims || graph.initializers.get(weight)!.dtype !== 'float32') return undefined;
  const biasOf = (name: string | undefined) => (name && graph.initializers.has(name) ? { bias: name } : {});
  if (node.op === 'Gemm') {
    const axis = intAttribute(node, 'transB', 0) === 1 ? 0 : 1;
    return { node, weight, axis, classes: dims[axis]!, ...biasOf(node.inputs[2]) };
  }
  if (node.op === 'Conv' && dims.length === 4 && dims[2] === 1 && dims[3] === 1) {
    return { node, weight, axis: 0, classes: dims[0]!, ...biasOf(node.inputs[2]) };
  }
  if (node.op !== 'MatMul' || dims.length !== 2) return undefined;
  const add = graph.nodes.find(({ op, inputs }) => op === 'Add' && inputs.includes(node.outputs[0]!));
  return {
    node,
    weight,
    axis: 1,
    classes: dims[1]!,
    ...biasOf(add?.inputs.find((name) => graph.initializers.has(name))),
  };
}

/** The graph up to its scores: without the softmax that may stand at its end. */
export function withoutProbabilities(graph: Graph): Graph {
  const output = graph.outputs[0]!;
  const last = graph.nodes.find(({ outputs }) => outputs.includes(output.name));
  if (!last || !TO_PROBABILITIES.has(last.op)) return graph;
  const [before] = last.inputs as [string];
  // What comes out now takes the name, so that the output's stays.
  const rename = (name: string) => (name === before ? output.name : name);
  const nodes = graph.nodes
    .filter((node) => node !== last)
    .map((node) => ({ ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) }));
  return withoutProbabilities({ ...graph, nodes });
}

/**
 * The graph with a new head for so many classes, drawn as PyTorch initialises a linear layer: uniform in
 * +-1/sqrt(inputs).
 * @throws UserError if what stands after the head is of the old number of classes
 */
export function replaceHead(graph: Graph, head: Head, classes: number, seed: number): Graph {
  const initializers = new Map(graph.initializers);
  const old = initializers.get(head.weight)!;
  const inputs = sizeOf(old.dims) / head.classes;
  const random = new Random(seed, HEAD_STREAM);
  const draw = (dims: number[]): TensorValue => ({
    dtype: 'float32',
    dims,
    data: Float32Array.from({ length: sizeOf(dims) }, () => (2 * random.uniform() - 1) / Math.sqrt(inputs)),
  });
  initializers.set(head.weight, draw(old.dims.map((dim, axis) => (axis === head.axis ? classes : dim))));
  const bias = head.bias && initializers.get(head.bias);
  if (head.bias && bias) {
    initializers.set(head.bias, draw(bias.dims.map((dim) => (dim === head.classes ? classes : dim))));
  }
  const after = graph.nodes.slice(graph.nodes.indexOf(head.node) + 1);
  const nodes = graph.nodes.map((node) => {
    if (node.op !== 'Reshape' || !after.includes(node)) return node;
    const shape = initializers.get(node.inputs[1]!);
    if (!(shape?.data instanceof BigInt64Array) || !shape.data.includes(BigInt(head.classes))) return node;
    const data = shape.data.map((size) => (size === BigInt(head.classes) ? BigInt(classes) : size));
    const name = `${node.inputs[1]}_of_${classes}`;
    initializers.set(name, { ...shape, data });
    return { ...node, inputs: [node.inputs[0]!, name] };
  });
  const outputs = graph.outputs.map((output) => ({
    ...output,
    dims: output.dims.map((dim) => (dim === head.classes ? classes : dim)),
  }));
  return { ...graph, nodes, initializers, outputs };
}

/**
 * The graph up to its scores with a head for these classes: its own if it tells them apart already, else a new one.
 * @param own the classes that it tells apart, if that is known
 * @param named as for {@link findHead}
 * @returns `head` is its own; `isNew` says whether it was replaced
 * @throws UserError as {@link findHead} and {@link replaceHead} do
 */
export function withClasses(
  graph: Graph,
  own: readonly string[] | undefined,
  classes: readonly string[],
  { named, seed }: { named?: string | undefined; seed: number },
): { graph: Graph; head: Head; isNew: boolean } {
  const scores = withoutProbabilities(graph);
  const head = findHead(scores, named);
  const isNew =
    head.classes !== classes.length || (own !== undefined && own.join('\n') !== classes.join('\n'));
  return { graph: isNew ? replaceHead(scores, head, classes.length, seed) : scores, head, isNew };
}

/** No layer's own stream in `initializeParameters` comes so far. */
const HEAD_STREAM = 1_000_000;
