import { type Graph, type GraphNode, sizeOf, type TensorValue } from './graph.ts';
import { operatorOf } from './operators/index.ts';
import { inferTypes } from './shape-inference.ts';

/** What each initializer is for, read off the operators that use it. */
export interface InitializerRoles {
  /** Learned by gradient descent, in graph order. */
  parameters: string[];
  /** Batch-norm running means and variances. */
  buffers: string[];
  /** Everything else: shapes, scalars, fixed tables. */
  constants: string[];
}

/** Operators that join a learned table to what the net computes. */
const JOINS: ReadonlySet<string> = new Set(['Add', 'Sum', 'Mul', 'Concat']);
/** What attention masks hold where nothing is to be seen, and no learned table does. */
const MASKED = -100;
/** How the names end of tables that are known not to be learned, whatever reads them; see `trainableModel`. */
export const FIXED = '.fixed';

/**
 * Sorts a graph's float32 initializers by role; a graph from anywhere is read the same way as our own.
 *
 * A parameter is what an operator with weights (Conv, Gemm, MatMul, the norms, PRelu; see `weights` in `operators/`)
 * reads as one of them (but for the ones and zeros within a group norm), as it is or as what is computed of constants alone: another form, a standardised weight; and, of
 * more than one value, or of one that bears the name of a module's parameter, what is added to, multiplied with or joined to anything that comes after such an operator, in
 * the same way: biases, layer scales, class tokens, position embeddings and tables of relative positions. So the
 * constants that normalise the images before the first weights are none, nor are other scalars, whole numbers, divisors,
 * constants of which numbers are compared or made whole, and tables with -100 or less in them, which mask attention. A
 * fixed table that looks like a learned one, such as position embeddings of sines, cannot be told from it, unless its
 * name ends in {@link FIXED}.
 */
export function initializerRoles(graph: Graph): InitializerRoles {
  const parameters = new Set<string>();
  const buffers = new Set<string>();
  const origins = constantOrigins(graph);
  const weighted = new Set<string>();
  /** The float32 initializers that a value is made of, and of nothing else. */
  const learned = (name: string): readonly string[] =>
    [...(origins.get(name) ?? [])].filter(
      (each) => graph.initializers.get(each)?.dtype === 'float32' && !each.endsWith(FIXED),
    );
  const reshaped = new Set(graph.nodes.flatMap(({ op, outputs }) => (op === 'Reshape' ? outputs : [])));
  for (const node of graph.nodes) {
    const weights = isWithinGroupNorm(node, graph, reshaped) ? [] : weightInputs(node);
    for (const [index, input] of node.inputs.entries()) {
      if (node.op === 'BatchNormalization' && index >= 3) {
        // A weight that is standardised has its own statistics.
        if (!origins.has(node.inputs[0]!)) for (const name of learned(input)) buffers.add(name);
      } else if (weights.includes(index)) {
        for (const name of learned(input)) parameters.add(name);
      }
    }
    if (JOINS.has(node.op) && node.inputs.some((input) => weighted.has(input))) {
      const tables = node.inputs.flatMap(learned);
      for (const name of tables)
        if (isLearnedTable(name, graph.initializers.get(name)!)) parameters.add(name);
    }
    const isWeighted = weights.some((index) => learned(node.inputs[index] ?? '').length > 0);
    if (isWeighted || node.inputs.some((input) => weighted.has(input))) {
      for (const name of node.outputs) weighted.add(name);
    }
  }
  for (const name of buffers) parameters.delete(name);
  const names = [...graph.initializers.keys()];
  return {
    parameters: [...parameters],
    buffers: [...buffers],
    constants: names.filter((name) => !parameters.has(name) && !buffers.has(name)),
  };
}

/**
 * For each value whose floats depend on no input, the initializers of floats that it is computed of, where a gradient finds a
 * way: not through whole numbers and truth values, nor into what an operator takes beside its weights.
 */
function constantOrigins(graph: Graph): Map<string, ReadonlySet<string>> {
  const types = inferTypes(graph);
  const isFloat = (name: string): boolean => /^b?float(16|32|64)?$/.test(types.get(name) ?? 'float32');
  const origins = new Map<string, ReadonlySet<string>>();
  const decided = new Set<string>();
  for (const name of graph.initializers.keys()) origins.set(name, new Set(isFloat(name) ? [name] : []));
  for (const node of graph.nodes) {
    const weights = operatorOf(node)?.weights;
    const floats = node.inputs.filter(
      (name, index) => isFloat(name) && name !== '' && (index === 0 || !weights || weights.includes(index)),
    );
    // How far a token is spread may depend on the batch.
    if (!(floats.length > 0 ? floats : node.inputs).every((name) => name === '' || origins.has(name)))
      continue;
    // A number that is spread is no weight.
    const isTable = (name: string): boolean => sizeOf(graph.initializers.get(name)!.dims) > 1;
    const found = new Set(floats.flatMap((name) => [...origins.get(name)!].filter(isTable)));
    for (const output of node.outputs) {
      origins.set(output, isFloat(output) ? found : new Set());
      if (!isFloat(output) && !UNDECIDED.includes(node.op)) for (const name of found) decided.add(name);
    }
  }
  for (const [name, found] of origins)
    origins.set(name, new Set([...found].filter((each) => !decided.has(each))));
  return origins;
}

/** Operators that make whole numbers of weights which may be trained nevertheless. */
const UNDECIDED = ['Shape', 'Size', 'QuantizeLinear', 'DynamicQuantizeLinear'];

function weightInputs(node: GraphNode): readonly number[] {
  return operatorOf(node)?.weights ?? [];
}

/**
 * PyTorch's exporters write a group norm as an instance norm of its groups, whose scale and bias are ones and zeros, then the
 * scale and bias of the channels.
 */
function isWithinGroupNorm(
  { op, inputs: [x, scale, bias] }: GraphNode,
  { initializers }: Graph,
  reshaped: ReadonlySet<string>,
): boolean {
  const holds = (name: string | undefined, value: number): boolean =>
    initializers.get(name ?? '')?.data.every((each) => each === value) ?? false;
  return op === 'InstanceNormalization' && reshaped.has(x!) && holds(scale, 1) && holds(bias, 0);
}

/** As PyTorch's exporters name parameters, `stages.0.act.scale`; constants have other names. */
const OF_A_MODULE = /^\w+(\.\w+)+$/;

function isLearnedTable(name: string, { dims, data }: TensorValue): boolean {
  const isLearned = sizeOf(dims) > 1 || (dims.length === 1 && OF_A_MODULE.test(name));
  return isLearned && (data as Float32Array).every((value) => value > MASKED);
}

/** How many values the graph learns. */
export function parameterCount(graph: Graph): number {
  return initializerRoles(graph).parameters.reduce(
    (sum, name) => sum + graph.initializers.get(name)!.data.length,
    0,
  );
}
