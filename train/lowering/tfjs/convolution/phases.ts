import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { Kernels } from '../kernels.ts';

/*
 * TensorFlow's StridedSlice copies pixel by pixel, a hundred times slower than memory allows. Where the stride divides
 * the image, a row and the ones up to the next that is read are one axis of a view, and Slice copies whole pixels.
 */

/**
 * Every stride-th row and column, from a first one on.
 * @param x [N, H, W, C], of any type; the strides divide H and W
 * @returns [N, H / strideH, W / strideW, C]
 */
export function phaseOf(
  k: Kernels,
  x: Tensor,
  [strideH, strideW]: readonly [number, number],
  [row, column]: readonly [number, number] = [0, 0],
): Tensor {
  if (strideH === 1 && strideW === 1) return x;
  const [images, height, width, channels] = x.shape as [number, number, number, number];
  const [rows, columns] = [height / strideH, width / strideW];
  const view = k.reshape(x, [images, rows, strideH, columns, strideW * channels]);
  const phase = k.slice(view, [0, 0, row, 0, column * channels], [images, rows, 1, columns, channels]);
  return k.reshape(phase, [images, rows, columns, channels]);
}

/** The way back: the first row and column of every stride, zeros between. */
export function spread(k: Kernels, phase: Tensor, [strideH, strideW]: readonly [number, number]): Tensor {
  if (strideH === 1 && strideW === 1) return phase;
  const [images, rows, columns, channels] = phase.shape as [number, number, number, number];
  const view = k.reshape(phase, [images, rows, 1, columns, channels]);
  const spaced = k.pad(view, [
    [0, 0],
    [0, 0],
    [0, strideH - 1],
    [0, 0],
    [0, (strideW - 1) * channels],
  ]);
  return k.reshape(spaced, [images, rows * strideH, columns * strideW, channels]);
}
