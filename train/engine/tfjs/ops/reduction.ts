import { intAttribute } from '../../../../core/onnx/graph.ts';
import { plain } from '../value.ts';
import type { TfjsOp } from './op.ts';

/** ReduceSum over the given axes. */
export const reduceSum: TfjsOp = (call) => {
  const keep = intAttribute(call.node, 'keepdims', 1) === 1;
  return plain(call.tf.sum(call.plain(0), call.integers(1), keep));
};

export const logSoftmax: TfjsOp = (call) =>
  plain(call.tf.logSoftmax(call.plain(0), intAttribute(call.node, 'axis', -1)));
