import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../../../core/tensorflow/load-tfjs.ts';
import { inType } from '../bfloat16/convert.ts';
import { runKernel, runsOnGpu } from '../kernel.ts';
import { arrayFunctions } from './array-functions.ts';
import { filterGradientByProducts, isByProducts } from './filter-gradient-by-products.ts';
import type { ConvSetting } from './setting.ts';

/*
 * In bfloat16, factors and results are rounded to it and sums are float32; the filter's gradient is float32 again, as
 * mixed precision has it (Kalamkar et al. 2019, arXiv:1905.12322): bfloat16 has float32's range, so the loss needs
 * no scale.
 */

/**
 * A convolution of a whole batch, channels last.
 * @param x of either type
 * @param filter float32
 * @returns the output, and what the gradients are computed from
 */
export function conv2d(
  tf: TensorFlow,
  setting: ConvSetting,
  x: Tensor,
  filter: Tensor,
): { y: Tensor; saved: [Tensor, Tensor] } {
  const { type, margins } = setting;
  const image = arrayFunctions(tf).pad(inType(tf, x, type), [[0, 0], ...margins, [0, 0]]);
  const saved: [Tensor, Tensor] = [image, inType(tf, filter, type)];
  return { y: runKernel(tf, 'Conv2D', saved, attributesOf(setting))[0]!, saved };
}

/**
 * Its gradients.
 * @param gradient of either type
 * @returns of the input, if it is wanted, in the setting's type; of the filter, in float32
 */
export function conv2dGradients(
  tf: TensorFlow,
  setting: ConvSetting,
  [x, filter]: [Tensor, Tensor],
  gradient: Tensor,
): { dx: Tensor | undefined; dFilter: Tensor } {
  const dy = inType(tf, gradient, setting.type);
  return {
    dx: setting.wantsInput ? inputGradient(tf, setting, filter, dy) : undefined,
    dFilter: inType(tf, filterGradient(tf, setting, x, dy), 'float32'),
  };
}

function inputGradient(tf: TensorFlow, setting: ConvSetting, filter: Tensor, dy: Tensor): Tensor {
  const { inputShape, margins } = setting;
  const [images, height, width, channels] = inputShape;
  const [[top, bottom], [left, right]] = margins;
  const padded = [images, height + top + bottom, width + left + right, channels];
  const inputs = [tf.tensor1d(padded, 'int32'), filter, dy];
  const [dx] = runKernel(tf, 'Conv2DBackpropInput', inputs, attributesOf(setting));
  const isPadded = top + bottom + left + right > 0;
  return isPadded ? arrayFunctions(tf).slice(dx!, [0, top, left, 0], inputShape) : dx!;
}

function filterGradient(tf: TensorFlow, setting: ConvSetting, x: Tensor, dy: Tensor): Tensor {
  // A GPU's kernel is cuDNN's, of which nothing slow is known.
  if (!runsOnGpu(tf) && isByProducts(setting)) return filterGradientByProducts(tf, setting, x, dy);
  const shape = tf.tensor1d(setting.filterShape, 'int32');
  return runKernel(tf, 'Conv2DBackpropFilter', [x, shape, dy], attributesOf(setting))[0]!;
}

function attributesOf({ type, strides, padding }: ConvSetting) {
  return {
    T: { type },
    strides: { ints: [1, ...strides, 1] },
    padding,
    data_format: 'NHWC',
    use_cudnn_on_gpu: true,
    dilations: { ints: [1, 1, 1, 1] },
  };
}
