import { type Graph, type GraphNode, sizeOf, type TensorValue } from './graph.ts';
import { operatorOf } from './operators/index.ts';

/** What each initializer is for, read off the operators that use it. */
export interface InitializerRoles {
  /** Learned by gradient descent, in graph order. */
  parameters: string[];
  /** Batch-norm running means and variances. */
  buffers: string[];
  /** Everything else: shapes, scalars, fixed tables. */
  constants: string[];
}

/** Operators that hand a weight on in another form. */
const FORMS: ReadonlySet<string> = new Set([
  ...['Cast', 'CastLike', 'Identity', 'Transpose', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'],
]);
/** Operators that also spread or pick of it, as of class tokens and of position embeddings. */
const SPREADS: ReadonlySet<string> = new Set([
  ...FORMS,
  'Expand',
  'Tile',
  'Gather',
  'GatherND',
  'Slice',
  'Concat',
  'Resize',
]);
/** Operators that join a learned table to what the net computes. */
const JOINS: ReadonlySet<string> = new Set(['Add', 'Sum', 'Mul', 'Concat']);
/** What attention masks hold where nothing is to be seen, and no learned table does. */
const MASKED = -100;

/**
 * Sorts a graph's float32 initializers by role; a graph from anywhere is read the same way as our own.
 *
 * A parameter is what an operator with weights (Conv, Gemm, MatMul, the norms, PRelu; see `weights` in `operators/`)
 * reads as one of them, as it is or through operators that only give it another form; and, of more than one value,
 * what is added to, multiplied with or joined to anything that comes after such an operator, as it is, or spread or
 * picked from: biases, layer scales, class tokens, position embeddings and tables of relative positions. So the
 * constants that normalise the images before the first weights are none, nor are scalars, whole numbers, divisors,
 * and tables with -100 or less in them, which mask attention. A fixed table that looks like a learned one, such as
 * position embeddings of sines, cannot be told from it.
 */
export function initializerRoles(graph: Graph): InitializerRoles {
  const parameters = new Set<string>();
  const buffers = new Set<string>();
  /** The initializers that a value is only a form of, or made by spreading and picking. */
  const forms = new Map<string, readonly string[]>();
  const spreads = new Map<string, readonly string[]>();
  const weighted = new Set<string>();
  const float = (name: string): TensorValue | undefined => {
    const tensor = graph.initializers.get(name);
    return tensor?.dtype === 'float32' ? tensor : undefined;
  };
  const origins = (name: string, through: ReadonlyMap<string, readonly string[]>): readonly string[] =>
    through.get(name) ?? (float(name) ? [name] : []);
  for (const node of graph.nodes) {
    const weights = weightInputs(node);
    for (const [index, input] of node.inputs.entries()) {
      if (node.op === 'BatchNormalization' && index >= 3) {
        for (const name of origins(input, forms)) buffers.add(name);
      } else if (weights.includes(index)) {
        for (const name of origins(input, forms)) parameters.add(name);
      }
    }
    if (JOINS.has(node.op) && node.inputs.some((input) => weighted.has(input))) {
      const tables = node.inputs.flatMap((input) => origins(input, spreads));
      for (const name of tables) if (isLearnedTable(float(name)!)) parameters.add(name);
    }
    const isFrom = (through: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined => {
      const [first = '', ...rest] = node.inputs;
      const joined = node.op === 'Concat' ? [first, ...rest] : [first];
      const found = joined.map((input) => origins(input, through));
      return found.every((names) => names.length > 0) ? found.flat() : undefined;
    };
    const [output = ''] = node.outputs;
    const [form, spread] = [FORMS.has(node.op) && isFrom(forms), SPREADS.has(node.op) && isFrom(spreads)];
    if (form) forms.set(output, form);
    if (spread) spreads.set(output, spread);
    const isWeighted = weights.some((index) => origins(node.inputs[index] ?? '', forms).length > 0);
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

function weightInputs(node: GraphNode): readonly number[] {
  return operatorOf(node)?.weights ?? [];
}

function isLearnedTable({ dims, data }: TensorValue): boolean {
  return sizeOf(dims) > 1 && (data as Float32Array).every((value) => value > MASKED);
}

/** How many values the graph learns. */
export function parameterCount(graph: Graph): number {
  return initializerRoles(graph).parameters.reduce(
    (sum, name) => sum + graph.initializers.get(name)!.data.length,
    0,
  );
}
