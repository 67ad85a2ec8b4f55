import type { Tensor, Tensor4D } from '@tensorflow/tfjs-node-gpu';
import { type ConvGeometry, convGeometry } from '../../../autodiff/conv/geometry.ts';
import { BFLOAT16_KERNELS } from '../convolution/bfloat16.ts';
import { FLOAT32_KERNELS } from '../convolution/float32.ts';
import type { ConvSetting } from '../convolution/kernels.ts';
import { spending } from '../spent.ts';
import { channelsLast, dimsOf, toChannelsLast, toFilter } from '../value.ts';
import type { TfjsOp } from './op.ts';

/**
 * Conv: 2-D, ungrouped, any kernel, stride and explicit padding.
 *
 * With a gradient of its own: that of tfjs knows TensorFlow's two automatic paddings only, and it keeps what
 * is padded and what is rounded until the step is done.
 */
export const conv: TfjsOp = (call) => {
  const { tf, node } = call;
  const input = call.input(0);
  const weight = call.input(1);
  const geometry = convGeometry(node, dimsOf(input), dimsOf(weight));
  const kernels = call.precision === 'bf16' ? BFLOAT16_KERNELS : FLOAT32_KERNELS;
  const [top, left, bottom, right] = geometry.pads;
  const isPadded = !isSamePadding(geometry) && geometry.pads.some((pad) => pad > 0);
  const [height, width] = geometry.input;
  const setting: ConvSetting = {
    strides: geometry.stride,
    padding: isSamePadding(geometry) ? 'same' : 'valid',
    inputShape: [
      geometry.batch,
      height + (isPadded ? top + bottom : 0),
      width + (isPadded ? left + right : 0),
      geometry.inChannels,
    ],
    filterShape: [...geometry.kernel, geometry.inChannels, geometry.outChannels],
    wantsInput: call.trained(0),
  };
  const margins: [number, number][] = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
  const pad = (image: Tensor4D): Tensor4D => (isPadded ? tf.pad(image, margins) : image);
  const unpad = (image: Tensor4D): Tensor4D =>
    isPadded ? tf.slice(image, [0, top, left, 0], [geometry.batch, height, width, -1]) : image;

  const x = toChannelsLast(tf, input) as Tensor4D;
  const filter = toFilter(tf, weight) as Tensor4D;
  const convolve = tf.customGrad((...args) => {
    const save = args.pop() as unknown as (saved: Tensor[]) => void;
    const { y, saved } = kernels.forward(tf, setting, pad(x), filter);
    save(saved);
    const gradFunc = spending(tf, (dy, kept) => {
      const gradients = kernels.gradients(tf, setting, kept, dy as Tensor4D);
      return setting.wantsInput ? [unpad(gradients[0]!), gradients[1]!] : gradients;
    });
    return { value: y, gradFunc };
  });
  const y = setting.wantsInput ? convolve(x, filter) : convolve(filter);
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
