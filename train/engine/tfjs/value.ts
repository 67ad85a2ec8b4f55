import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../../core/tensorflow/load-tfjs.ts';

/**
 * How a value of the ONNX graph lies in its tensor. `plain`: the dims of the graph, activations as
 * [N, C, H, W]. `channels-last`: an activation as [N, H, W, C], which is what TensorFlow's convolutions read on
 * a CPU; no other layout has kernels there. `filter`: a convolution's weight as [H, W, in, out], likewise.
 */
export type ValueLayout = 'plain' | 'channels-last' | 'filter';

export interface Value {
  tensor: Tensor;
  layout: ValueLayout;
}

export const plain = (tensor: Tensor): Value => ({ tensor, layout: 'plain' });
/** Tensors as they are, by name. */
export const plainAll = (tensors: Readonly<Record<string, Tensor>>): Record<string, Value> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, plain(tensor)]));
export const channelsLast = (tensor: Tensor): Value => ({ tensor, layout: 'channels-last' });

/** The value's shape in the ONNX graph. */
export function dimsOf({ tensor, layout }: Value): number[] {
  if (layout === 'plain') return tensor.shape;
  const [a, b, c, d] = tensor.shape as [number, number, number, number];
  return layout === 'filter' ? [d, c, a, b] : [a, d, b, c];
}

/** The value as the graph has it. */
export function toPlain(tf: TensorFlow, value: Value): Tensor {
  if (value.layout === 'plain') return value.tensor;
  return permute(tf, value.tensor, value.layout === 'filter' ? [3, 2, 0, 1] : [0, 3, 1, 2]);
}

/** The value as [N, H, W, C]; of fewer than 4 axes, as what broadcasts against that just so. */
export function toChannelsLast(tf: TensorFlow, value: Value): Tensor {
  if (value.layout === 'channels-last' || value.tensor.rank === 0) return value.tensor;
  const tensor = toPlain(tf, value);
  const missing = new Array<number>(4 - tensor.rank).fill(1);
  const image = missing.length === 0 ? tensor : tf.reshape(tensor, [...missing, ...tensor.shape]);
  return permute(tf, image, [0, 2, 3, 1]);
}

/** A convolution's weight as [H, W, in, out]. */
export function toFilter(tf: TensorFlow, value: Value): Tensor {
  return value.layout === 'filter' ? value.tensor : permute(tf, toPlain(tf, value), [2, 3, 1, 0]);
}

/** A transposition; where only axes of length 1 change places, a reshape, which costs nothing. */
function permute(tf: TensorFlow, tensor: Tensor, axes: number[]): Tensor {
  const longAxes = axes.filter((axis) => tensor.shape[axis] !== 1);
  const inOrder = longAxes.every((axis, i) => i === 0 || axis > longAxes[i - 1]!);
  if (!inOrder) return tf.transpose(tensor, axes);
  return tf.reshape(
    tensor,
    axes.map((axis) => tensor.shape[axis]!),
  );
}
