import { Bfloat16Scope, type RawTensor } from '../bfloat16/scope.ts';
import { filterGradientByProducts, isByProducts } from './filter-gradient-by-products.ts';
import type { ConvKernels, ConvSetting } from './kernels.ts';

/**
 * Convolutions with bfloat16 factors and float32 sums, rounded to bfloat16; their gradients likewise. Inputs and
 * outputs are float32, as mixed precision has it (Kalamkar et al. 2019, arXiv:1905.12322): bfloat16 has
 * float32's range, so the loss needs no scale.
 */
export const BFLOAT16_KERNELS: ConvKernels = {
  forward: (tf, setting, x, filter) =>
    Bfloat16Scope.run(tf, (scope) => {
      const saved = [scope.rounded(x), scope.rounded(filter)];
      const inputs = saved.map((tensor) => scope.plain(tensor));
      return { y: scope.float32(scope.kernel('Conv2D', inputs, attributesOf(scope, setting))), saved };
    }),
  gradients: (tf, setting, saved, dy) =>
    Bfloat16Scope.run(tf, (scope) => {
      const [x, filter] = saved.map((tensor) => scope.plain(tensor)) as [RawTensor, RawTensor];
      const gradient = scope.round(dy);
      const gradients = [
        isByProducts(setting)
          ? filterGradientByProducts(scope, setting, x, gradient)
          : filterGradientByKernel(scope, setting, x, gradient),
      ];
      if (setting.wantsInput) gradients.unshift(inputGradient(scope, setting, filter, gradient));
      return gradients.map((tensor) => scope.float32(tensor));
    }),
};

function inputGradient(
  scope: Bfloat16Scope,
  setting: ConvSetting,
  filter: RawTensor,
  dy: RawTensor,
): RawTensor {
  const inputs = [scope.integers(setting.inputShape), filter, dy];
  return scope.kernel('Conv2DBackpropInput', inputs, attributesOf(scope, setting));
}

function filterGradientByKernel(
  scope: Bfloat16Scope,
  setting: ConvSetting,
  x: RawTensor,
  dy: RawTensor,
): RawTensor {
  const inputs = [x, scope.integers(setting.filterShape), dy];
  return scope.kernel('Conv2DBackpropFilter', inputs, attributesOf(scope, setting));
}

function attributesOf({ binding }: Bfloat16Scope, { strides, padding }: ConvSetting) {
  return [
    { name: 'strides', type: binding.TF_ATTR_INT, value: [1, ...strides, 1] },
    { name: 'padding', type: binding.TF_ATTR_STRING, value: padding.toUpperCase() },
    { name: 'data_format', type: binding.TF_ATTR_STRING, value: 'NHWC' },
    { name: 'use_cudnn_on_gpu', type: binding.TF_ATTR_BOOL, value: true },
    { name: 'dilations', type: binding.TF_ATTR_INT, value: [1, 1, 1, 1] },
  ];
}
