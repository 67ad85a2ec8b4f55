import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { Kernels } from '../kernels.ts';
import { filterGradientByProducts, isByProducts } from './filter-gradient-by-products.ts';
import { phaseOf, spread } from './phases.ts';
import type { ConvSetting } from './setting.ts';

/*
 * In bfloat16, factors and results are rounded to it and sums are float32; the filter's gradient is float32 again, as
 * mixed precision has it (Kalamkar et al. 2019, arXiv:1905.12322): bfloat16 has float32's range, so the loss needs
 * no scale.
 */

/**
 * A convolution of a whole batch.
 * @param x of either type
 * @param filter float32
 * @returns in the setting's type
 */
export function conv2d(k: Kernels, setting: ConvSetting, x: Tensor, filter: Tensor): Tensor {
  const { dense, gaps } = withoutGaps(setting);
  return k.run('Conv2D', [imageRead(k, dense, gaps, x), k.cast(filter, dense.type)], attributesOf(dense));
}

/**
 * The gradient of its input.
 * @param gradient of either type
 * @returns in the setting's type
 */
export function conv2dInputGradient(
  k: Kernels,
  setting: ConvSetting,
  filter: Tensor,
  gradient: Tensor,
): Tensor {
  const { dense, gaps } = withoutGaps(setting);
  const { type, inputShape, margins } = dense;
  const before = [0, margins[0][0], margins[1][0], 0];
  const after = [0, margins[0][1], margins[1][1], 0];
  const padded = inputShape.map((size, axis) => size + before[axis]! + after[axis]!);
  const inputs = [k.integers(padded), k.cast(filter, type), k.cast(gradient, type)];
  const dx = k.run('Conv2DBackpropInput', inputs, attributesOf(dense));
  return spread(k, k.slice(dx, before, inputShape), gaps);
}

/**
 * The gradient of its filter.
 * @param gradient of either type
 * @returns in float32
 */
export function conv2dFilterGradient(k: Kernels, setting: ConvSetting, x: Tensor, gradient: Tensor): Tensor {
  const { dense, gaps } = withoutGaps(setting);
  const [image, dy] = [imageRead(k, dense, gaps, x), k.cast(gradient, dense.type)];
  // A GPU's kernel is cuDNN's, of which nothing slow is known.
  const dFilter =
    !k.onGpu && isByProducts(dense)
      ? filterGradientByProducts(k, dense, image, dy)
      : k.run('Conv2DBackpropFilter', [image, k.integers(dense.filterShape), dy], attributesOf(dense));
  return k.cast(dFilter, 'float32');
}

/** What the kernels are given for the input. */
function imageRead(k: Kernels, dense: ConvSetting, gaps: readonly [number, number], x: Tensor): Tensor {
  return k.pad(k.cast(phaseOf(k, x, gaps), dense.type), [[0, 0], ...dense.margins, [0, 0]]);
}

/**
 * A 1x1 filter with a stride reads no pixel between, so it is one without a stride on those that it reads, which for
 * the kernels is as easy as any.
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
