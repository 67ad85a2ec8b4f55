import { type Dim, intAttribute } from '../graph.ts';
import {
  axesOf,
  type Operator,
  resolveAxis,
  type ShapeContext,
  type ShapeRule,
  sameShape,
} from './operator.ts';

/** The axes are an attribute or, of ReduceSum from 13 on and of the others from 18 on, an input. */
const reduce: ShapeRule = (context) => {
  const { dims } = context.input(0);
  const axes = new Set(axesOf(context, 1, dims.length));
  // No axes mean all of them, unless it is told otherwise.
  if (axes.size === 0) {
    if (intAttribute(context.node, 'noop_with_empty_axes', 0) !== 0) return [dims];
    for (const axis of dims.keys()) axes.add(axis);
  }
  return [without(context, dims, axes)];
};

function without({ node }: ShapeContext, dims: readonly Dim[], axes: ReadonlySet<number>): Dim[] {
  const keep = intAttribute(node, 'keepdims', 1) !== 0;
  return dims.flatMap((dim, axis): Dim[] => (axes.has(axis) ? (keep ? [1] : []) : [dim]));
}

const argument: Operator = {
  attributes: ['axis', 'keepdims', 'select_last_index'],
  shape: (context) => {
    const { dims } = context.input(0);
    const axis = resolveAxis(context, intAttribute(context.node, 'axis', 0), dims.length);
    return [without(context, dims, new Set([axis]))];
  },
  types: () => ['int64'],
};

/** The largest values along an axis, and where they are. */
const topK: ShapeRule = (context) => {
  const { dims } = context.input(0);
  const axis = resolveAxis(context, intAttribute(context.node, 'axis', -1), dims.length);
  const k =
    context.node.attributes.k?.type === 'int' ? context.node.attributes.k.value : context.ints(1)?.[0];
  const picked = dims.map((dim, i) => (i === axis ? (k ?? context.unknown(axis)) : dim));
  return [picked, picked];
};

const REDUCTIONS = [
  ...['ReduceL1', 'ReduceL2', 'ReduceLogSum', 'ReduceLogSumExp', 'ReduceMax', 'ReduceMean', 'ReduceMin'],
  ...['ReduceProd', 'ReduceSum', 'ReduceSumSquare'],
];

export const REDUCTION: Readonly<Record<string, Operator>> = {
  ...Object.fromEntries(
    REDUCTIONS.map((op): [string, Operator] => [
      op,
      { attributes: ['axes', 'keepdims', 'noop_with_empty_axes'], shape: reduce },
    ]),
  ),
  ArgMax: argument,
  ArgMin: argument,
  TopK: {
    attributes: ['axis', 'k', 'largest', 'sorted'],
    shape: topK,
    types: ({ type }) => [type(0), 'int64'],
  },
  CumSum: { attributes: ['exclusive', 'reverse'], shape: sameShape },
};
