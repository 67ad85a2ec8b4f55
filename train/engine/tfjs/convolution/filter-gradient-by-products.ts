import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../../../core/tensorflow/load-tfjs.ts';
import { arrayFunctions } from './array-functions.ts';
import type { ConvSetting } from './setting.ts';

/**
 * From so many weights of a tap on, oneDNN's kernel for the filter's gradient in bfloat16 falls behind matrix
 * products: measured with AMX at 64 images of 4 x 4 pixels and 512 channels, 6 times.
 */
const MANY_WEIGHTS = 128 * 128;

/** Whether matrix products are the faster way, and a way at all. */
export function isByProducts({ type, strides, padding, margins, filterShape }: ConvSetting): boolean {
  const [height, width, inChannels, outChannels] = filterShape;
  if (type !== 'bfloat16' || strides.some((stride) => stride !== 1)) return false;
  if (height === 1 && width === 1) return margins.flat().every((margin) => margin === 0);
  return (
    padding === 'SAME' && height % 2 === 1 && width % 2 === 1 && inChannels * outChannels >= MANY_WEIGHTS
  );
}

/**
 * The gradient of a filter of odd size at stride 1, by one matrix product for each of its rows.
 *
 * Images are laid one after the other as rows of pixels, with a zero margin between rows and between images that
 * both neighbours share. The pixel that a tap of the filter reads is then a fixed number of rows away from its
 * output's, for all outputs at once: dW[i, j] = shifted(x)^T dy. The shifts of a filter row are put side by side,
 * the shift from one filter row to the next is a slice, which copies nothing.
 * @param x [N, H, W, inChannels]
 * @param dy [N, H, W, outChannels]
 * @returns [kernelH, kernelW, inChannels, outChannels]
 */
export function filterGradientByProducts(
  tf: TensorFlow,
  { inputShape, filterShape }: ConvSetting,
  x: Tensor,
  dy: Tensor,
): Tensor {
  const [images, height, width] = inputShape;
  const [kernelH, kernelW, inChannels, outChannels] = filterShape;
  const [marginH, marginW] = [(kernelH - 1) / 2, (kernelW - 1) / 2];
  const rowLength = width + marginW;
  const pixels = images * (height + marginH) * rowLength;
  const { pad, reshape, slice, concat, product } = arrayFunctions(tf);
  const inMatrix = (image: Tensor, channels: number): Tensor => {
    const spaced = pad(image, [
      [0, 0],
      [0, marginH],
      [0, marginW],
      [0, 0],
    ]);
    return reshape(spaced, [pixels, channels]);
  };
  const gradient = inMatrix(dy, outChannels);
  // As far as the first tap of the first pixel and the last of the last reach.
  const reach = marginH * rowLength + marginW;
  const shifted = pad(inMatrix(x, inChannels), [
    [reach, reach],
    [0, 0],
  ]);
  const length = pixels + 2 * marginH * rowLength;
  const taps = Array.from({ length: kernelW }, (_, j) => slice(shifted, [j, 0], [length, inChannels]));
  const sideBySide = concat(taps, 1);
  const products = Array.from({ length: kernelH }, (_, i) => {
    const row = slice(sideBySide, [i * rowLength, 0], [pixels, kernelW * inChannels]);
    return product(row, gradient);
  });
  return reshape(concat(products, 0), filterShape);
}
