import type { Tensor, Tensor4D } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../../../core/tensorflow/load-tfjs.ts';
import type { ConvKernels, ConvSetting } from './kernels.ts';

/** Convolutions in float32. */
export const FLOAT32_KERNELS: ConvKernels = {
  forward: (tf, { strides, padding }, x, filter) => ({ y: tf.conv2d(x, filter, strides, padding), seen: x }),
  inputGradient: (tf, setting, filter, dy) =>
    backprop(tf, setting, 'Conv2DBackpropInput', { dy, filter }, { inputShape: setting.inputShape }),
  filterGradient: (tf, setting, seen, dy) =>
    backprop(tf, setting, 'Conv2DBackpropFilter', { x: seen, dy }, { filterShape: setting.filterShape }),
};

function backprop(
  tf: TensorFlow,
  { strides, padding: pad }: ConvSetting,
  kernel: string,
  inputs: Record<string, Tensor>,
  shape: Record<string, number[]>,
): Tensor4D {
  const attributes = { strides, pad, dataFormat: 'NHWC', ...shape };
  return tf.engine().runKernel(kernel, inputs, attributes) as Tensor4D;
}
