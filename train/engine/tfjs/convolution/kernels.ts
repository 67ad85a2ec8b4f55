import type { Tensor, Tensor4D } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../../../core/tensorflow/load-tfjs.ts';

/** A convolution as TensorFlow's kernels know it: channels last, its input already padded unless `same`. */
export interface ConvSetting {
  strides: [number, number];
  padding: 'same' | 'valid';
  /** [N, H, W, inChannels] */
  inputShape: [number, number, number, number];
  /** [kernelH, kernelW, inChannels, outChannels] */
  filterShape: [number, number, number, number];
  /** Whether the gradient of the input is wanted. */
  wantsInput: boolean;
}

/** A convolution and its gradients in some precision; what goes in and comes out is float32. */
export interface ConvKernels {
  /** @returns the output, and what the gradients are computed from */
  forward(
    tf: TensorFlow,
    setting: ConvSetting,
    x: Tensor4D,
    filter: Tensor4D,
  ): { y: Tensor4D; saved: Tensor[] };
  /** @returns the gradients of input, if it is wanted, and filter */
  gradients(tf: TensorFlow, setting: ConvSetting, saved: Tensor[], dy: Tensor4D): Tensor4D[];
}
