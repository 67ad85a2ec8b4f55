import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { Kernels } from './kernels.ts';

/**
 * How a value of the ONNX graph lies in its tensor. `plain`: the dims of the graph, activations as
 * [N, C, H, W]. `channels-last`: an activation as [N, H, W, C], which is what TensorFlow's convolutions read on
 * a CPU; no other layout has kernels there. `filter`: a convolution's weight as [H, W, in, out], likewise.
 */
export type ValueLayout = 'plain' | 'channels-last' | 'filter';

export interface Value {
  tensor: Tensor;
  layout: ValueLayout;
  /** Something that a kernel wants back in its gradient's; it lives as long as the value. */
  reserve?: Tensor;
}

export const plain = (tensor: Tensor): Value => ({ tensor, layout: 'plain' });
export const channelsLast = (tensor: Tensor): Value => ({ tensor, layout: 'channels-last' });

/** Of the graph's axes of an activation, where each lies with channels last. */
export const CHANNELS_LAST_AXES = [0, 3, 1, 2] as const;

/** Numbers that belong to the graph's axes [N, C, H, W], in the order of [N, H, W, C]. */
export const inChannelsLast = <T>([n, c, h, w]: readonly T[]): T[] => [n!, h!, w!, c!];

/** The value's shape in the ONNX graph. */
export function dimsOf({ tensor, layout }: Value): number[] {
  if (layout === 'plain') return tensor.shape;
  const [a, b, c, d] = tensor.shape as [number, number, number, number];
  return layout === 'filter' ? [d, c, a, b] : [a, d, b, c];
}

/** The value as the graph has it. */
export function toPlain(k: Kernels, { tensor, layout }: Value): Tensor {
  if (layout === 'plain') return tensor;
  return k.transpose(tensor, layout === 'filter' ? [3, 2, 0, 1] : [0, 3, 1, 2]);
}

/** The value as [N, H, W, C]; of fewer than 4 axes, as what broadcasts against that just so. */
export function toChannelsLast(k: Kernels, value: Value): Tensor {
  if (value.layout === 'channels-last' || value.tensor.rank === 0) return value.tensor;
  const tensor = toPlain(k, value);
  const missing = new Array<number>(4 - tensor.rank).fill(1);
  return k.transpose(k.reshape(tensor, [...missing, ...tensor.shape]), [0, 2, 3, 1]);
}

/** A convolution's weight as [H, W, in, out]. */
export function toFilter(k: Kernels, value: Value): Tensor {
  return value.layout === 'filter' ? value.tensor : k.transpose(toPlain(k, value), [2, 3, 1, 0]);
}
