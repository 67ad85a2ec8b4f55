import { intAttribute, intsAttribute } from '../graph.ts';
import { type Int8Rule, type Operator, requireRank, type ShapeRule } from './operator.ts';
import { slideWindow, WINDOW_ATTRIBUTES } from './window.ts';

/** [batch, C, ...] to [batch, C, ...]; MaxPool may also give the indices. */
const pool: ShapeRule = (context) => {
  const { node, error } = context;
  const x = requireRank(context, 0, 3, false);
  const spatial = x.slice(2);
  const kernel = intsAttribute(node, 'kernel_shape', []);
  if (kernel.length !== spatial.length || kernel.some((size) => size < 1)) {
    throw error(`its kernel_shape is [${kernel}], it needs ${spatial.length} sizes`);
  }
  const ceil = intAttribute(node, 'ceil_mode', 0) !== 0;
  const pooled = [...x.slice(0, 2), ...slideWindow(context, spatial, { kernel, ceil })];
  return node.op === 'MaxPool' ? [pooled, pooled] : [pooled];
};

/** [batch, C, ...] to [batch, C, 1, ...]. */
const globalPool: ShapeRule = (context) => {
  const x = requireRank(context, 0, 3, false);
  return [x.map((dim, axis) => (axis < 2 ? dim : 1))];
};

const ATTRIBUTES = [...WINDOW_ATTRIBUTES, 'ceil_mode'];
const int8: Int8Rule = () => ({ activations: [0] });

export const POOLING: Readonly<Record<string, Operator>> = {
  MaxPool: {
    attributes: [...ATTRIBUTES, 'storage_order'],
    shape: pool,
    types: ({ type }) => [type(0), 'int64'],
    half: 'all',
    int8: ({ outputs }) => (outputs.length === 1 ? { activations: [0], sameScale: true } : undefined),
  },
  AveragePool: { attributes: [...ATTRIBUTES, 'count_include_pad'], shape: pool, half: 'all', int8 },
  LpPool: { attributes: [...ATTRIBUTES, 'p'], shape: pool },
  GlobalAveragePool: { attributes: [], shape: globalPool, half: 'all', int8 },
  GlobalMaxPool: { attributes: [], shape: globalPool, half: 'all' },
  GlobalLpPool: { attributes: ['p'], shape: globalPool },
};
