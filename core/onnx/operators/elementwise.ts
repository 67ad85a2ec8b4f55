import { type Dim, intAttribute } from '../graph.ts';
import {
  broadcast,
  formatDims,
  type Int8Rule,
  type IntsRule,
  type Operator,
  type ShapeContext,
  type ShapeRule,
  sameShape,
} from './operator.ts';

/*
 * Operators that work on each element by itself: activations, arithmetic with broadcasting, comparisons.
 */

const unary = (attributes: readonly string[] = [], more: Partial<Operator> = {}): Operator => ({
  attributes,
  shape: sameShape,
  ...more,
});

const HALF: Partial<Operator> = { half: 'all' };
const TRUTH: Partial<Operator> = { types: () => ['bool'] };

/** Any number of inputs of one element type, broadcast together. */
const broadcasting: ShapeRule = (context) => {
  const { dtype } = context.input(0);
  let { dims } = context.input(0);
  for (let i = 1; i < context.node.inputs.length; i++) {
    const other = context.input(i);
    if (other.dtype !== dtype) throw context.error(`its inputs are of ${dtype} and ${other.dtype}`);
    dims = broadcast(context, dims, other.dims);
  }
  return [dims];
};

const binary = (more: Partial<Operator> = {}): Operator => ({ attributes: [], shape: broadcasting, ...more });
const comparison = (ints?: (a: number, b: number) => boolean): Operator =>
  binary({ ...TRUTH, ...(ints && { ints: ofInts((a, b) => compared(a, b, ints)) }) });

/** Arithmetic on whole numbers that are known, element by element. */
function ofInts(compute: (a: Dim, b: Dim) => Dim | undefined): IntsRule {
  return (context) => {
    const [a, b] = [context.ints(0), context.ints(1)];
    if (!a || !b || (a.length !== b.length && a.length !== 1 && b.length !== 1)) return undefined;
    const values = Array.from({ length: Math.max(a.length, b.length) }, (_, i) =>
      compute(a[a.length === 1 ? 0 : i]!, b[b.length === 1 ? 0 : i]!),
    );
    return values.every((value) => value !== undefined) ? values : undefined;
  };
}

/** @param neutral a number that leaves the other operand as it is on the right, and on the left too if `commutes` */
function arithmetic(compute: (a: number, b: number) => number, neutral: number, commutes: boolean): IntsRule {
  return ofInts((a, b) => {
    if (b === neutral) return a;
    if (commutes && a === neutral) return b;
    if (typeof a === 'string' || typeof b === 'string') return undefined;
    const value = compute(a, b);
    // Of whole numbers there is one 0.
    return Number.isSafeInteger(value) ? value + 0 : undefined;
  });
}

/** A size is over 0, so that it can be told from what is not; truth values are 1 and 0. */
function compared(a: Dim, b: Dim, holds: (a: number, b: number) => boolean): Dim | undefined {
  if (a === b) return holds(1, 1) ? 1 : 0;
  if (typeof a === 'number' && typeof b === 'number') return holds(a, b) ? 1 : 0;
  if (typeof a === 'number' && a <= 0) return holds(a, 1) ? 1 : 0;
  if (typeof b === 'number' && b <= 0) return holds(1, b) ? 1 : 0;
  return undefined;
}

const add = arithmetic((a, b) => a + b, 0, true);
const subtract = arithmetic((a, b) => a - b, 0, false);
const multiply = arithmetic((a, b) => a * b, 1, true);
/** With the sign of the divisor, or by `fmod` of the dividend. */
const floored = arithmetic((a, b) => a - b * Math.floor(a / b), Number.NaN, false);
const truncated = arithmetic((a, b) => a % b, Number.NaN, false);
const modulo: IntsRule = (context) =>
  (intAttribute(context.node, 'fmod', 0) === 0 ? floored : truncated)(context);
const divide = arithmetic((a, b) => Math.trunc(a / b), 1, false);

/** An Add or Mul of two activations; with a constant it is no kernel of integers. */
const ofActivations: Int8Rule = ({ inputs }, { initializers }) =>
  inputs.some((name) => initializers.has(name)) ? undefined : { activations: [0, 1], clips: true };

const clip: ShapeRule = (context) => {
  for (const index of [1, 2]) {
    const bound = context.optional(index)?.dims ?? [];
    // One value counts as a scalar, whichever way it is written.
    if (bound.some((size) => size !== 1)) {
      throw context.error(`its ${index === 1 ? 'minimum' : 'maximum'} is ${formatDims(bound)}, not a scalar`);
    }
  }
  return [context.input(0).dims];
};

const where: ShapeRule = (context) => {
  const [condition, x, y] = [context.input(0), context.input(1), context.input(2)];
  if (condition.dtype !== 'bool') throw context.error(`its condition is ${condition.dtype}, not bool`);
  if (x.dtype !== y.dtype) throw context.error(`its inputs are of ${x.dtype} and ${y.dtype}`);
  return [broadcast(context, broadcast(context, condition.dims, x.dims), y.dims)];
};

function whereInts(context: ShapeContext): Dim[] | undefined {
  const [condition, x, y] = [context.ints(0), context.ints(1), context.ints(2)];
  if (!condition || !x || !y) return undefined;
  const length = Math.max(condition.length, x.length, y.length);
  const at = (list: Dim[], i: number): Dim => list[list.length === 1 ? 0 : i]!;
  return Array.from({ length }, (_, i) => at(at(condition, i) === 0 ? y : x, i));
}

/** Slopes are stretched to the input, not the other way round. */
const prelu: ShapeRule = (context) => {
  const [x, slope] = [context.input(0).dims, context.input(1).dims];
  if (slope.length > x.length)
    throw context.error(`its slope is ${formatDims(slope)}, its input ${formatDims(x)}`);
  broadcast(context, x, slope);
  return [x];
};

export const ELEMENTWISE: Readonly<Record<string, Operator>> = {
  Abs: unary([], HALF),
  Acos: unary(),
  Acosh: unary(),
  Asin: unary(),
  Asinh: unary(),
  Atan: unary(),
  Atanh: unary(),
  BitwiseNot: unary(),
  Ceil: unary(),
  Celu: unary(['alpha']),
  Cos: unary(),
  Cosh: unary(),
  Elu: unary(['alpha'], HALF),
  Erf: unary(),
  Exp: unary(),
  Floor: unary(),
  Gelu: unary(['approximate']),
  HardSigmoid: unary(['alpha', 'beta'], HALF),
  HardSwish: unary([], HALF),
  IsInf: unary(['detect_negative', 'detect_positive'], TRUTH),
  IsNaN: unary([], TRUTH),
  LeakyRelu: unary(['alpha'], HALF),
  Log: unary(),
  Mish: unary(),
  Neg: unary([], HALF),
  Not: unary([], {
    ints: (context) => context.ints(0)?.map((value) => (value === 0 ? 1 : 0)),
  }),
  Reciprocal: unary(),
  Relu: unary([], HALF),
  Round: unary(),
  Selu: unary(['alpha', 'gamma']),
  Shrink: unary(['bias', 'lambd']),
  Sigmoid: unary([], { ...HALF, int8: () => ({ activations: [0] }) }),
  Sign: unary(),
  Sin: unary(),
  Sinh: unary(),
  Softplus: unary(),
  Softsign: unary(),
  Sqrt: unary(),
  Swish: unary(['alpha']),
  Tan: unary(),
  Tanh: unary([], HALF),
  ThresholdedRelu: unary(['alpha']),

  Add: binary({ ...HALF, ints: add, int8: ofActivations }),
  Sub: binary({ ...HALF, ints: subtract }),
  Mul: binary({ ...HALF, ints: multiply, int8: ofActivations }),
  Div: binary({ ...HALF, ints: divide }),
  Mod: binary({ attributes: ['fmod'], ints: modulo }),
  Max: binary(HALF),
  Min: binary(HALF),
  Sum: binary(),
  Mean: binary(),
  And: binary(TRUTH),
  Or: binary(TRUTH),
  Xor: binary(TRUTH),
  BitShift: binary({ attributes: ['direction'] }),
  BitwiseAnd: binary(),
  BitwiseOr: binary(),
  BitwiseXor: binary(),
  Equal: comparison((a, b) => a === b),
  Greater: comparison((a, b) => a > b),
  GreaterOrEqual: comparison((a, b) => a >= b),
  Less: comparison((a, b) => a < b),
  LessOrEqual: comparison((a, b) => a <= b),

  // The exponent may be of another type; the result is of the base's.
  Pow: binary({ shape: (context) => [broadcast(context, context.input(0).dims, context.input(1).dims)] }),
  PRelu: { ...HALF, attributes: [], shape: prelu, weights: [1] },
  Clip: { ...HALF, attributes: ['min', 'max'], shape: clip, weights: [] },
  Where: { attributes: [], shape: where, types: ({ type }) => [type(1)], ints: whereInts },
};
