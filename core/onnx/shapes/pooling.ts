import { intAttribute, intsAttribute } from '../graph.ts';
import { requireRank, type ShapeRule, type TensorShape } from './rule.ts';
import { slideWindow } from './window.ts';

/** AveragePool and MaxPool: [batch, C, ...] to [batch, C, ...]; MaxPool may also give the indices. */
const pool: ShapeRule = (context) => {
  const { node, error } = context;
  const { dtype } = context.input(0);
  const x = requireRank(context, 0, 3, false);
  const spatial = x.slice(2);
  const kernel = intsAttribute(node, 'kernel_shape', []);
  if (kernel.length !== spatial.length || kernel.some((size) => size < 1)) {
    throw error(`its kernel_shape is [${kernel}], it needs ${spatial.length} sizes`);
  }
  const ceil = intAttribute(node, 'ceil_mode', 0) !== 0;
  const pooled: TensorShape = {
    dtype,
    dims: [...x.slice(0, 2), ...slideWindow(context, spatial, { kernel, ceil })],
  };
  return [pooled, { dtype: 'int64', dims: pooled.dims }];
};

/** GlobalAveragePool and GlobalMaxPool: [batch, C, ...] to [batch, C, 1, ...]. */
const globalPool: ShapeRule = (context) => {
  const { dtype } = context.input(0);
  const x = requireRank(context, 0, 3, false);
  return [{ dtype, dims: x.map((dim, axis) => (axis < 2 ? dim : 1)) }];
};

export const POOLING_RULES: Readonly<Record<string, ShapeRule>> = {
  AveragePool: pool,
  MaxPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
};
