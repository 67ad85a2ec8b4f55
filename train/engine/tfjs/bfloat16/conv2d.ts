import type { Tensor, Tensor4D } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../../../core/tensorflow/load-tfjs.ts';
import { Bfloat16Scope, type RawTensor } from './scope.ts';

/**
 * On smaller images oneDNN's bfloat16 kernel for the filter's gradient is slower than its float32 one: 0.8 times
 * at 8 x 8 pixels, 0.7 at 4 x 4; at 32 x 32 it is 1.5 times as fast.
 */
const SMALLEST_FILTER_GRADIENT = 16;

type Padding = 'same' | 'valid';

/**
 * tf.conv2d with bfloat16 factors and float32 sums, rounded to bfloat16; its gradients likewise. Inputs and
 * outputs are float32, as mixed precision has it (Kalamkar et al. 2019, arXiv:1905.12322): bfloat16 has
 * float32's range, so the loss needs no scale.
 */
export function conv2dInBfloat16(
  tf: TensorFlow,
  x: Tensor4D,
  filter: Tensor4D,
  strides: [number, number],
  padding: Padding,
): Tensor4D {
  const convolve = tf.customGrad((...args) => {
    const [image, weight, save] = args as unknown as [Tensor, Tensor, (saved: Tensor[]) => void];
    save([image, weight]);
    const value = Bfloat16Scope.run(tf, (scope) => {
      const inputs = [scope.round(image), scope.round(weight)];
      return scope.float32(scope.kernel('Conv2D', attributesOf(scope, strides, padding), inputs));
    });
    const gradFunc = (dy: Tensor, saved: Tensor[]) => {
      const [savedImage, savedWeight] = saved as [Tensor4D, Tensor4D];
      return gradients(tf, savedImage, savedWeight, dy as Tensor4D, strides, padding);
    };
    return { value, gradFunc };
  });
  return convolve(x, filter) as Tensor4D;
}

function gradients(
  tf: TensorFlow,
  x: Tensor4D,
  filter: Tensor4D,
  dy: Tensor4D,
  strides: [number, number],
  padding: Padding,
): Tensor[] {
  const filterInHalf = Math.min(dy.shape[1], dy.shape[2]) >= SMALLEST_FILTER_GRADIENT;
  return tf.tidy(() =>
    Bfloat16Scope.run(tf, (scope) => {
      const attributes = attributesOf(scope, strides, padding);
      const sizes = (shape: number[]) => scope.plain(tf.tensor1d(shape, 'int32'));
      const gradient = scope.round(dy);
      const gradientOf = (name: string, inputs: RawTensor[]) =>
        scope.float32(scope.kernel(name, attributes, [...inputs, gradient]));
      return [
        gradientOf('Conv2DBackpropInput', [sizes(x.shape), scope.round(filter)]),
        filterInHalf
          ? gradientOf('Conv2DBackpropFilter', [scope.round(x), sizes(filter.shape)])
          : tf
              .engine()
              .runKernel(
                'Conv2DBackpropFilter',
                { x, dy },
                { strides, pad: padding, dataFormat: 'NHWC', filterShape: filter.shape },
              ),
      ] as Tensor[];
    }),
  );
}

function attributesOf({ binding }: Bfloat16Scope, strides: [number, number], padding: Padding) {
  return [
    { name: 'strides', type: binding.TF_ATTR_INT, value: [1, ...strides, 1] },
    { name: 'padding', type: binding.TF_ATTR_STRING, value: padding.toUpperCase() },
    { name: 'data_format', type: binding.TF_ATTR_STRING, value: 'NHWC' },
    { name: 'use_cudnn_on_gpu', type: binding.TF_ATTR_BOOL, value: true },
    { name: 'dilations', type: binding.TF_ATTR_INT, value: [1, 1, 1, 1] },
  ];
}
