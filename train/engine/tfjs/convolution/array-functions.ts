import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../../../core/tensorflow/load-tfjs.ts';
import { runKernel } from '../kernel.ts';

/** Functions of tfjs's that know bfloat16 too. Autodiff does not see them. */
export function arrayFunctions(tf: TensorFlow) {
  const integers = (values: number | number[] | [number, number][]) => tf.tensor(values, undefined, 'int32');
  const int32 = { type: 'int32' } as const;
  return {
    reshape: (x: Tensor, shape: number[]) =>
      runKernel(tf, 'Reshape', [x, integers(shape)], { Tshape: int32 })[0]!,
    /** With zeros before and after, for each axis. */
    pad: (x: Tensor, margins: [number, number][]) =>
      margins.every(([before, after]) => before + after === 0)
        ? x
        : runKernel(tf, 'Pad', [x, integers(margins)], { Tpaddings: int32 })[0]!,
    slice: (x: Tensor, begin: number[], size: number[]) =>
      runKernel(tf, 'Slice', [x, integers(begin), integers(size)], { Index: int32 })[0]!,
    concat: (parts: Tensor[], axis: number) =>
      parts.length === 1
        ? parts[0]!
        : runKernel(tf, 'ConcatV2', [...parts, integers(axis)], {
            N: { int: parts.length },
            Tidx: int32,
          })[0]!,
    /** a^T b, with float32 sums. */
    product: (a: Tensor, b: Tensor) =>
      runKernel(tf, 'MatMul', [a, b], { transpose_a: true, transpose_b: false })[0]!,
  };
}
