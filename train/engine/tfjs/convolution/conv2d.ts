import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../../../core/tensorflow/load-tfjs.ts';
import { inType } from '../bfloat16/convert.ts';
import { runKernel, runsOnGpu } from '../kernel.ts';
import { arrayFunctions } from './array-functions.ts';
import { filterGradientByProducts, isByProducts } from './filter-gradient-by-products.ts';
import { phaseOf, spread } from './phases.ts';
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
  const { dense, gaps } = withoutGaps(setting);
  const { type, margins } = dense;
  const image = inType(tf, phaseOf(tf, x, gaps), type);
  const saved: [Tensor, Tensor] = [
    arrayFunctions(tf).pad(image, [[0, 0], ...margins, [0, 0]]),
    inType(tf, filter, type),
  ];
  return { y: runKernel(tf, 'Conv2D', saved, attributesOf(dense))[0]!, saved };
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
  const { dense, gaps } = withoutGaps(setting);
  const dy = inType(tf, gradient, dense.type);
  return {
    dx: dense.wantsInput ? spread(tf, inputGradient(tf, dense, filter, dy), gaps) : undefined,
    dFilter: inType(tf, filterGradient(tf, dense, x, dy), 'float32'),
  };
}

/**
 * A 1x1 filter with a stride reads no pixel between, so it is one without a stride on those that it reads: less to
 * save, and for the kernels as easy as any.
 */
function withoutGaps(setting: ConvSetting): { dense: ConvSetting; gaps: readonly [number, number] } {
  const { strides, margins, inputShape, filterShape } = setting;
  const [images, height, width, channels] = inputShape;
  const isPointwise =
    filterShape[0] === 1 && filterShape[1] === 1 && margins.flat().every((pad) => pad === 0);
  if (!isPointwise || height % strides[0] !== 0 || width % strides[1] !== 0) {
    return { dense: setting, gaps: [1, 1] };
  }
  const read: ConvSetting['inputShape'] = [images, height / strides[0], width / strides[1], channels];
  return { dense: { ...setting, strides: [1, 1], inputShape: read }, gaps: strides };
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
