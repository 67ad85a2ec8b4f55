import { intAttribute } from '../graph.ts';
import { dataTypeOf } from '../tensor-proto.ts';
import { broadcast } from './broadcast.ts';
import { formatDims, type RuleContext, resolveAxis, type ShapeRule, type TensorShape } from './rule.ts';

/** The shape of the first input: activations, and whatever else works on each element by itself. */
const same: ShapeRule = (context) => [context.input(0)];

/** Softmax and its kin: the shape of the input, if it has the axis. */
const alongAxis: ShapeRule = (context) => {
  const x = context.input(0);
  resolveAxis(context, intAttribute(context.node, 'axis', -1), x.dims.length);
  return [x];
};

/** Any number of inputs of one element type, broadcast together. */
const broadcasting: ShapeRule = (context) => [broadcastAll(context)];

/** Comparisons: broadcast, a truth value each. */
const comparing: ShapeRule = (context) => [{ dtype: 'bool', dims: broadcastAll(context).dims }];

function broadcastAll(context: RuleContext): TensorShape {
  const { dtype, dims } = context.input(0);
  let result = dims;
  for (let i = 1; i < context.node.inputs.length; i++) {
    const other = context.input(i);
    if (other.dtype !== dtype) throw context.error(`its inputs are of ${dtype} and ${other.dtype}`);
    result = broadcast(context, result, other.dims);
  }
  return { dtype, dims: result };
}

const cast: ShapeRule = (context) => {
  const to = intAttribute(context.node, 'to', 0);
  const dtype = dataTypeOf(to);
  if (dtype === undefined) throw context.error(`it casts to the unsupported data type ${to}`);
  return [{ dtype, dims: context.input(0).dims }];
};

const clip: ShapeRule = (context) => {
  for (const index of [1, 2]) {
    const bound = context.optional(index)?.dims ?? [];
    // One value counts as a scalar, whichever way it is written.
    if (bound.some((size) => size !== 1)) {
      throw context.error(`its ${index === 1 ? 'minimum' : 'maximum'} is ${formatDims(bound)}, not a scalar`);
    }
  }
  return [context.input(0)];
};

const dropout: ShapeRule = (context) => {
  const x = context.input(0);
  return [x, { dtype: 'bool', dims: x.dims }];
};

const UNARY = [
  'Abs',
  'Ceil',
  'Elu',
  'Erf',
  'Exp',
  'Floor',
  'HardSigmoid',
  'HardSwish',
  'Identity',
  'LeakyRelu',
  'Log',
  'Neg',
  'Reciprocal',
  'Relu',
  'Round',
  'Sigmoid',
  'Softplus',
  'Sqrt',
  'Tanh',
];
const BROADCASTING = ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'Sum', 'Mean'];
const COMPARING = ['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'];

export const ELEMENTWISE_RULES: Readonly<Record<string, ShapeRule>> = {
  ...Object.fromEntries(UNARY.map((op) => [op, same])),
  ...Object.fromEntries(BROADCASTING.map((op) => [op, broadcasting])),
  ...Object.fromEntries(COMPARING.map((op) => [op, comparing])),
  // The exponent may be of another type; the result is of the base's.
  Pow: (context) => {
    const { dtype, dims } = context.input(0);
    return [{ dtype, dims: broadcast(context, dims, context.input(1).dims) }];
  },
  Cast: cast,
  Clip: clip,
  Dropout: dropout,
  Softmax: alongAxis,
  LogSoftmax: alongAxis,
};
