import type { Tensor, Tensor4D } from '@tensorflow/tfjs-node-gpu';
import type { ConvKernels } from './kernels.ts';

/** Convolutions in float32. */
export const FLOAT32_KERNELS: ConvKernels = {
  forward: (tf, { strides, padding }, x, filter) => ({
    y: tf.conv2d(x, filter, strides, padding),
    saved: [x, filter],
  }),
  gradients(tf, { strides, padding: pad, inputShape, filterShape, wantsInput }, saved, dy) {
    const [x, filter] = saved as [Tensor, Tensor];
    const run = (kernel: string, inputs: Record<string, Tensor>, shape: Record<string, number[]>) =>
      tf.engine().runKernel(kernel, inputs, { strides, pad, dataFormat: 'NHWC', ...shape }) as Tensor4D;
    const dFilter = run('Conv2DBackpropFilter', { x, dy }, { filterShape });
    return wantsInput ? [run('Conv2DBackpropInput', { dy, filter }, { inputShape }), dFilter] : [dFilter];
  },
};
