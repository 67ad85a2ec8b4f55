import { type Dim, intAttribute } from '../graph.ts';
import {
  compatible,
  formatDims,
  type Operator,
  resolveAxis,
  type ShapeContext,
  type ShapeRule,
  sameShape,
} from './operator.ts';

/*
 * Operators that pick or place values by tables of indices.
 */

const axisOf = (context: ShapeContext, fallback: number, rank: number): number =>
  resolveAxis(context, intAttribute(context.node, 'axis', fallback), rank);

/** The axis replaced by the dimensions of the indices. */
const gather: ShapeRule = (context) => {
  const { dims } = context.input(0);
  const axis = axisOf(context, 0, dims.length);
  return [[...dims.slice(0, axis), ...context.input(1).dims, ...dims.slice(axis + 1)]];
};

function gatherInts(context: ShapeContext): Dim[] | undefined {
  const [values, indices] = [context.ints(0), context.constantInts(1)];
  if (!values || !indices || context.input(0).dims.length !== 1) return undefined;
  const picked = indices.map((index) => values.at(index));
  return picked.every((value) => value !== undefined) ? picked : undefined;
}

/** A value for each index. */
const perIndex: ShapeRule = (context) => {
  const { dims } = context.input(0);
  const indices = context.input(1).dims;
  axisOf(context, 0, dims.length);
  if (indices.length !== dims.length) {
    throw context.error(`its indices are ${formatDims(indices)}, its input ${formatDims(dims)}`);
  }
  return [indices];
};

/** Indices of [..., k] are k coordinates each, after `batch_dims` dimensions that both share. */
const gatherND: ShapeRule = (context) => {
  const { dims } = context.input(0);
  const indices = context.input(1).dims;
  const shared = intAttribute(context.node, 'batch_dims', 0);
  const k = indices.at(-1);
  if (typeof k !== 'number') throw context.error('the last size of its indices is not known');
  if (shared + k > dims.length || shared >= indices.length) {
    throw context.error(`its indices are ${formatDims(indices)}, its input ${formatDims(dims)}`);
  }
  const batch = indices.slice(0, shared).map((dim, axis) => (typeof dim === 'number' ? dim : dims[axis]!));
  return [[...batch, ...indices.slice(shared, -1), ...dims.slice(shared + k)]];
};

/** The updates of ScatterElements have the dimensions of its indices. */
const scatterElements: ShapeRule = (context) => {
  const [indices] = perIndex(context) as [Dim[]];
  const updates = context.input(2).dims;
  if (updates.length !== indices.length || !updates.every((dim, i) => compatible(dim, indices[i]!))) {
    throw context.error(`its updates are ${formatDims(updates)}, its indices ${formatDims(indices)}`);
  }
  return sameShape(context);
};

/** A new dimension of `depth` where the axis is, by default the last. */
const oneHot: ShapeRule = (context) => {
  const { dims } = context.input(0);
  const axis = axisOf(context, -1, dims.length + 1);
  const depth = context.ints(1)?.[0] ?? context.unknown(axis);
  return [[...dims.slice(0, axis), depth, ...dims.slice(axis)]];
};

const ELEMENTS = ['axis', 'reduction'];

export const INDEXING: Readonly<Record<string, Operator>> = {
  Gather: { attributes: ['axis'], shape: gather, half: [0], moves: 'some', ints: gatherInts },
  GatherElements: { attributes: ['axis'], shape: perIndex, moves: 'some' },
  GatherND: { attributes: ['batch_dims'], shape: gatherND, moves: 'some' },
  ScatterND: { attributes: ['reduction'], shape: sameShape },
  ScatterElements: { attributes: ELEMENTS, shape: scatterElements },
  OneHot: { attributes: ['axis'], shape: oneHot, types: ({ type }) => [type(2)] },
  NonZero: {
    attributes: [],
    shape: (context) => [[Math.max(1, context.input(0).dims.length), context.unknown(1)]],
    types: () => ['int64'],
  },
};
