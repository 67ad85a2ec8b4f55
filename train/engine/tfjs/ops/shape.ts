import { intAttribute, sizeOf } from '../../../../core/onnx/graph.ts';
import { plain } from '../value.ts';
import type { TfjsOp } from './op.ts';

/** Flatten: a matrix whose rows are the axes before `axis`. */
export const flatten: TfjsOp = (call) => {
  const x = call.plain(0);
  const axis = intAttribute(call.node, 'axis', 1);
  const { shape } = x;
  const split = axis < 0 ? axis + shape.length : axis;
  return plain(call.tf.reshape(x, [sizeOf(shape.slice(0, split)), sizeOf(shape.slice(split))]));
};

export const reshape: TfjsOp = (call) => plain(call.tf.reshape(call.plain(0), call.integers(1)));

/** Split into the given sizes. */
export const split: TfjsOp = (call) =>
  call.tf.split(call.plain(0), call.integers(1), intAttribute(call.node, 'axis', 0)).map(plain);

export const concat: TfjsOp = (call) => {
  const parts = call.node.inputs.map((_, index) => call.plain(index));
  return plain(call.tf.concat(parts, intAttribute(call.node, 'axis', 0)));
};
