import type { Tensor4D } from '@tensorflow/tfjs-node-gpu';
import { type ConvGeometry, convGeometry } from '../../../autodiff/conv/geometry.ts';
import { conv2dInBfloat16 } from '../bfloat16/conv2d.ts';
import { channelsLast, dimsOf, toChannelsLast } from '../value.ts';
import type { TfjsOp } from './op.ts';

/** Conv: 2-D, ungrouped, any kernel, stride and explicit padding. */
export const conv: TfjsOp = (call) => {
  const { tf, node } = call;
  const input = call.input(0);
  const weight = call.plain(1);
  const geometry = convGeometry(node, dimsOf(input), weight.shape);
  const filter = tf.transpose(weight, [2, 3, 1, 0]) as Tensor4D;
  const x = toChannelsLast(tf, input) as Tensor4D;
  const [top, left, bottom, right] = geometry.pads;
  const padded = (): Tensor4D =>
    tf.pad(x, [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ]);
  const convolve = (image: Tensor4D, padding: 'same' | 'valid') =>
    call.precision === 'bf16'
      ? conv2dInBfloat16(tf, image, filter, geometry.stride, padding)
      : tf.conv2d(image, filter, geometry.stride, padding);
  // tfjs differentiates TensorFlow's two automatic paddings only.
  const y = isSamePadding(geometry)
    ? convolve(x, 'same')
    : convolve(geometry.pads.every((pad) => pad === 0) ? x : padded(), 'valid');
  const bias = call.optional(2);
  return channelsLast(bias ? tf.add(y, bias.tensor) : y);
};

/** Whether the padding is what TensorFlow makes of `SAME`: what is needed, the odd row at the end. */
function isSamePadding({ input, kernel, stride, pads }: ConvGeometry): boolean {
  return [0, 1].every((axis) => {
    const [size, step] = [input[axis]!, stride[axis]!];
    const needed = Math.max(0, (Math.ceil(size / step) - 1) * step + kernel[axis]! - size);
    const before = Math.floor(needed / 2);
    return pads[axis] === before && pads[axis + 2] === needed - before;
  });
}
