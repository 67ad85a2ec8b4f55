import { GraphBuilder } from '../builder.ts';
import { cloneGraph, countUses, floatAttribute, type Graph, type GraphNode, intAttribute } from '../graph.ts';

/** A batch normalisation that can be folded, with the numbers it takes. */
interface Fold {
  conv: GraphNode;
  /** What the norm reads: the conv, or max-pooling behind it. */
  before: GraphNode;
  norm: GraphNode;
  weight: Float32Array;
  /** The conv's own bias, if it has one. */
  bias: Float32Array | undefined;
  scale: Float32Array;
  shift: Float32Array;
  mean: Float32Array;
  variance: Float32Array;
  epsilon: number;
}

/**
 * Folds every inference-mode BatchNormalization that alone reads a Conv's output into that Conv's weight and
 * bias; also one behind a MaxPool that alone does, if no scale is negative, for then the largest stays the largest.
 * Other batch normalisations stay: in training mode, after anything else, after a Conv or MaxPool whose output is
 * also used elsewhere, or with parameters that are not float32 initializers.
 *
 * The arithmetic is done in float64 and rounded once. A folded Conv keeps the name of its weight (and bias)
 * unless another node shares it; a new bias is called `<conv>.bias`. The batch norm's parameters are dropped.
 * @param options.inPlace scales the conv weights where they are in memory instead of in copies: for a graph that
 *   is not needed any more
 * @returns a new graph; unless in place, the input and its tensors are untouched
 */
export function foldBatchNorm(graph: Graph, { inPlace = false }: { inPlace?: boolean } = {}): Graph {
  const folded = cloneGraph(graph);
  const producers = new Map(folded.nodes.flatMap((node) => node.outputs.map((output) => [output, node])));
  const uses = countUses(folded);
  const names = new GraphBuilder(folded);
  const removed = new Set<GraphNode>();
  for (const node of folded.nodes) {
    const fold = findFold(folded, node, producers, uses);
    if (!fold) continue;
    apply(fold, folded, uses, names, inPlace);
    producers.set(fold.before.outputs[0]!, fold.before);
    removed.add(fold.norm);
  }
  folded.nodes = folded.nodes.filter((node) => !removed.has(node));
  return folded;
}

function findFold(
  graph: Graph,
  norm: GraphNode,
  producers: ReadonlyMap<string, GraphNode>,
  uses: ReadonlyMap<string, number>,
): Fold | undefined {
  if (norm.op !== 'BatchNormalization' || norm.domain !== '') return undefined;
  if (intAttribute(norm, 'training_mode', 0) !== 0) return undefined;
  // Outputs beyond the first are the running statistics of training mode.
  if (norm.outputs.slice(1).some((output) => output !== '')) return undefined;
  const input = norm.inputs[0] ?? '';
  const alone = (name: string): GraphNode | undefined => {
    const node = producers.get(name);
    return node?.domain === '' && uses.get(name) === 1 ? node : undefined;
  };
  const before = alone(input);
  // The second output of a pool says where the largest were.
  const pooled = before?.op === 'MaxPool' && before.outputs.length === 1;
  const conv = pooled ? alone(before.inputs[0]!) : before;
  if (!before || conv?.op !== 'Conv') return undefined;

  const floats = (name: string | undefined): Float32Array | undefined => {
    const data = graph.initializers.get(name ?? '')?.data;
    return data instanceof Float32Array ? data : undefined;
  };
  const weight = floats(conv.inputs[1]);
  const bias = floats(conv.inputs[2]);
  const [scale, shift, mean, variance] = norm.inputs.slice(1, 5).map(floats);
  if (!weight || !scale || !shift || !mean || !variance) return undefined;
  if (conv.inputs[2] && !bias) return undefined;

  const channels = graph.initializers.get(conv.inputs[1]!)!.dims[0];
  const vectors = [scale, shift, mean, variance, ...(bias ? [bias] : [])];
  if (vectors.some((vector) => vector.length !== channels)) return undefined;
  if (pooled && !scale.every((value) => value >= 0)) return undefined;
  const epsilon = floatAttribute(norm, 'epsilon', 1e-5);
  return { conv, before, norm, weight, bias, scale, shift, mean, variance, epsilon };
}

function apply(
  fold: Fold,
  graph: Graph,
  uses: Map<string, number>,
  names: GraphBuilder,
  inPlace: boolean,
): void {
  const { conv, before, norm, weight, bias, scale, shift, mean, variance, epsilon } = fold;
  const [input = '', weightName = '', biasName = ''] = conv.inputs;
  const dims = graph.initializers.get(weightName)!.dims;
  const channels = scale.length;
  const perChannel = weight.length / channels;
  // A weight that is shared must stay as it is for its other readers.
  const newWeight = inPlace && uses.get(weightName) === 1 ? weight : new Float32Array(weight.length);
  const newBias = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    const factor = scale[c]! / Math.sqrt(variance[c]! + epsilon);
    for (let i = c * perChannel; i < (c + 1) * perChannel; i++) newWeight[i] = weight[i]! * factor;
    newBias[c] = ((bias?.[c] ?? 0) - mean[c]!) * factor + shift[c]!;
  }

  for (const name of [...conv.inputs.slice(1), ...norm.inputs.slice(1)]) release(name, graph, uses);
  const define = (name: string, shape: readonly number[], data: Float32Array): string => {
    // A name that is still read belongs to another node.
    const own = (uses.get(name) ?? 0) === 0 && !graph.initializers.has(name) ? name : names.unique(name);
    graph.initializers.set(own, { dtype: 'float32', dims: [...shape], data });
    uses.set(own, 1);
    return own;
  };
  const stem = weightName.replace(/\.weight$/, '');
  conv.inputs = [
    input,
    define(weightName, dims, newWeight),
    biasName
      ? define(biasName, [channels], newBias)
      : define(names.unique(`${stem}.bias`), [channels], newBias),
  ];
  // It moves into the batch norm's place in the data flow, not in the list: its readers come later.
  before.outputs = [norm.outputs[0]!];
}

/** Takes back one use of an initializer, and drops the initializer with the last. */
function release(name: string, graph: Graph, uses: Map<string, number>): void {
  if (name === '') return;
  const left = (uses.get(name) ?? 0) - 1;
  uses.set(name, left);
  if (left === 0) graph.initializers.delete(name);
}
