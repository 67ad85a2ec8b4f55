import { type Dim, floatAttribute, type GraphNode, intAttribute, type TensorValue } from '../graph.ts';
import { hasFloatWeights } from './convolution.ts';
import {
  broadcast,
  type CostRule,
  compatible,
  formatDims,
  type Operator,
  requireRank,
  type ShapeContext,
  type ShapeRule,
} from './operator.ts';

/** [M, K] by [K, N], either of them transposed if its attribute says so, to [M, N]. */
const gemm: ShapeRule = (context) => {
  const matrix = (index: number, transposed: string): Dim[] => {
    const dims = requireRank(context, index, 2);
    return intAttribute(context.node, transposed, 0) === 0 ? dims : [dims[1]!, dims[0]!];
  };
  const [m, k] = matrix(0, 'transA');
  const [otherK, n] = matrix(1, 'transB');
  checkInner(context, k!, otherK!);
  const dims = [m!, n!];
  const c = context.optional(2)?.dims;
  if (
    c &&
    (c.length > 2 || !broadcast(context, dims, c).every((dim, axis) => compatible(dim, dims[axis]!)))
  ) {
    throw context.error(`its input 2, ${formatDims(c)}, does not broadcast to ${formatDims(dims)}`);
  }
  return [dims];
};

/**
 * As numpy's: batches broadcast; a vector is a row on the left and a column on the right.
 * @param right which input is the right one
 */
const matMul =
  (right: number): ShapeRule =>
  (context) => {
    const a = requireRank(context, 0, 1, false);
    const b = requireRank(context, right, 1, false);
    checkInner(context, a.at(-1)!, b.length === 1 ? b[0]! : b.at(-2)!, right);
    const batch = broadcast(context, a.slice(0, -2), b.slice(0, -2));
    const rows = a.length === 1 ? [] : [a.at(-2)!];
    const columns = b.length === 1 ? [] : [b.at(-1)!];
    return [[...batch, ...rows, ...columns]];
  };

function checkInner(context: ShapeContext, k: Dim, otherK: Dim, right = 1): void {
  if (compatible(k, otherK)) return;
  const [a, b] = [context.input(0).dims, context.input(right).dims];
  throw context.error(`${formatDims(a)} and ${formatDims(b)} do not multiply: ${k} is not ${otherK}`);
}

/** An Einsum's equation: the labels of each input and of the output, `...` for dimensions without one. */
export interface Equation {
  inputs: string[][];
  output: string[];
}

/**
 * Reads the equation of an Einsum (https://onnx.ai/onnx/operators/onnx__Einsum.html).
 * @throws UserError by `error` if it is none
 */
export function einsumEquation(node: GraphNode, error: (problem: string) => Error): Equation {
  const attribute = node.attributes.equation;
  const text = attribute?.type === 'string' ? attribute.value.replaceAll(' ', '') : '';
  const match = /^([^->]*)(?:->([^->]*))?$/.exec(text);
  const labelsOf = (term: string): string[] => term.match(/\.\.\.|[A-Za-z]/g) ?? [];
  const terms = [...(match?.[1]?.split(',') ?? []), ...(match?.[2] === undefined ? [] : [match[2]])];
  if (!match || terms.some((term) => labelsOf(term).join('') !== term || term.split('...').length > 2)) {
    throw error(`its equation is "${text}", which is none`);
  }
  const inputs = match[1]!.split(',').map(labelsOf);
  if (match[2] !== undefined) return { inputs, output: labelsOf(match[2]) };
  // Without an output: the labels that are there once, in the order of the alphabet.
  const all = inputs.flat();
  const once = all.filter((label) => label !== '...' && all.indexOf(label) === all.lastIndexOf(label));
  return { inputs, output: [...(all.includes('...') ? ['...'] : []), ...once.sort()] };
}

/** The size of each label, and the dimensions that `...` stands for. */
function einsumSizes(
  { inputs }: Equation,
  dimsOf: (index: number) => Dim[],
  context: Pick<ShapeContext, 'error' | 'unknown'>,
): { sizes: Map<string, Dim>; rest: Dim[] } {
  const sizes = new Map<string, Dim>();
  let rest: Dim[] = [];
  inputs.forEach((labels, index) => {
    const dims = dimsOf(index);
    const at = labels.indexOf('...');
    const count = dims.length - labels.length + (at < 0 ? 0 : 1);
    if (count < 0 || (at < 0 && count > 0)) {
      throw context.error(`input ${index} is ${formatDims(dims)}, its equation says ${labels.join('')}`);
    }
    if (at >= 0) rest = broadcast(context, rest, dims.slice(at, at + count));
    labels.forEach((label, i) => {
      if (label === '...') return;
      const dim = dims[at >= 0 && i > at ? i + count - 1 : i]!;
      const known = sizes.get(label) ?? 1;
      if (known !== 1 && dim !== 1 && !compatible(known, dim)) {
        throw context.error(`its label ${label} is ${known} in one input and ${dim} in another`);
      }
      if (known === 1 || (typeof known === 'string' && typeof dim === 'number' && dim !== 1))
        sizes.set(label, dim);
    });
  });
  return { sizes, rest };
}

const einsum: ShapeRule = (context) => {
  const equation = einsumEquation(context.node, context.error);
  if (equation.inputs.length !== context.node.inputs.length) {
    throw context.error(
      `its equation has ${equation.inputs.length} inputs, it has ${context.node.inputs.length}`,
    );
  }
  const { sizes, rest } = einsumSizes(equation, (index) => context.input(index).dims, context);
  const dims = equation.output.flatMap((label): Dim[] => {
    if (label === '...') return rest;
    const size = sizes.get(label);
    if (size === undefined) throw context.error(`its equation gives ${label}, which no input has`);
    return [size];
  });
  return [dims];
};

/** Of two inputs as a matrix product; in which order more are multiplied is for the runtime. */
const einsumMacs: CostRule = ({ node, input, error }) => {
  const equation = einsumEquation(node, error);
  if (equation.inputs.length < 2) return [0];
  if (equation.inputs.length > 2) throw error('the cost of a product of more than two is not known');
  const { sizes, rest } = einsumSizes(equation, input, { error, unknown: () => '?' });
  return [...sizes.values(), ...rest];
};

/** A matrix that is worth it: others only rearrange a few values. */
function isWide(weight: TensorValue | undefined): boolean {
  return weight?.dtype === 'float32' && weight.dims.length === 2 && weight.dims[0]! >= 8;
}

const matMulMacs: CostRule = ({ input, output }) => [...output(), input(0).at(-1)!];

export const MATRIX: Readonly<Record<string, Operator>> = {
  Gemm: {
    attributes: ['alpha', 'beta', 'transA', 'transB'],
    shape: gemm,
    macs: ({ node, input, output }) => [
      ...output(),
      input(0)[intAttribute(node, 'transA', 0) === 0 ? 1 : 0]!,
    ],
    weights: [0, 1, 2],
    half: 'all',
    int8: (node, graph) => {
      const plain =
        intAttribute(node, 'transA', 0) === 0 &&
        floatAttribute(node, 'alpha', 1) === 1 &&
        floatAttribute(node, 'beta', 1) === 1;
      const bias = graph.initializers.get(node.inputs[2] ?? '');
      if (!plain || !hasFloatWeights(node, graph) || (bias?.dims.length ?? 1) !== 1) return undefined;
      const channelAxis = intAttribute(node, 'transB', 0) === 0 ? 1 : 0;
      return { activations: [0], channelAxis, clips: true };
    },
  },
  MatMul: {
    attributes: [],
    shape: matMul(1),
    macs: matMulMacs,
    weights: [0, 1],
    half: 'all',
    int8: ({ inputs: [a = '', b = ''] }, { initializers }) =>
      isWide(initializers.get(b)) && !initializers.has(a)
        ? { activations: [0], channelAxis: 1, floatOutput: true }
        : undefined,
  },
  Einsum: { attributes: ['equation'], shape: einsum, macs: einsumMacs, weights: [0, 1] },
  MatMulInteger: {
    attributes: [],
    shape: matMul(1),
    types: () => ['int32'],
    macs: matMulMacs,
    weights: [0, 1],
  },
  QLinearMatMul: {
    attributes: [],
    shape: matMul(3),
    types: ({ type }) => [type(7)],
    macs: matMulMacs,
    weights: [0, 3],
  },
};
