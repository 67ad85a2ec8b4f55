import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { Kernels } from '../kernels.ts';
import { phaseOf } from './phases.ts';
import type { ConvSetting } from './setting.ts';

/**
 * From so many weights of a tap on, oneDNN's kernel for the filter's gradient in bfloat16 falls behind matrix
 * products: measured with AMX at 64 images of 4 x 4 pixels and 512 channels, 6 times.
 */
const MANY_WEIGHTS = 128 * 128;

/** Whether matrix products are the faster way, and a way at all. */
export function isByProducts(setting: ConvSetting): boolean {
  const { type, strides, padding, filterShape } = setting;
  if (type !== 'bfloat16') return false;
  const [height, width, inChannels, outChannels] = filterShape;
  const isPointwise = height === 1 && width === 1;
  if (!isPointwise && inChannels * outChannels < MANY_WEIGHTS) return false;
  if (isShared(setting)) return height % 2 === 1 && width % 2 === 1;
  return padding === 'VALID' && paddedSize(setting).every((size, i) => size % strides[i]! === 0);
}

/**
 * The gradient of a filter by one matrix product for each of its rows.
 *
 * Images are laid one after the other as rows of pixels, for a stride above 1 sorted by (row mod stride, column mod
 * stride). The pixel that a tap of the filter reads is then a fixed number of rows away from its output's, for all
 * outputs at once: dW[i, j] = shifted(x)^T dy. What lies beyond an image's edge is zeros, in dy or in x; at stride 1
 * those after a row and an image are also those before the next. The shifts of a filter row are put side by side, the
 * shift from one filter row to another is a slice, which copies nothing.
 * @param x [N, H, W, inChannels], padded by the setting's margins
 * @param dy [N, outH, outW, outChannels]
 * @returns [kernelH, kernelW, inChannels, outChannels]
 */
export function filterGradientByProducts(k: Kernels, setting: ConvSetting, x: Tensor, dy: Tensor): Tensor {
  const { filterShape, strides } = setting;
  const images = dy.shape[0]!;
  const [kernelH, kernelW, inChannels] = filterShape;
  const margin = isShared(setting) ? [(kernelH - 1) / 2, (kernelW - 1) / 2] : [0, 0];
  const [height, width] = paddedSize(setting).map((size, i) => size / strides[i]! + margin[i]!) as [
    number,
    number,
  ];
  const pixels = images * height * width;
  const [rows, columns] = [tapsOf(kernelH, strides[0], margin[0]!), tapsOf(kernelW, strides[1], margin[1]!)];
  const rowShifts = rows.map(({ shift }) => shift * width);
  const [firstRow, lastRow] = [Math.min(...rowShifts), Math.max(...rowShifts)];
  const columnShifts = columns.map(({ shift }) => shift);
  const before = -(firstRow + Math.min(...columnShifts));
  const after = lastRow + Math.max(...columnShifts);

  const gridOf = (image: Tensor): Tensor => {
    const [, imageHeight, imageWidth, channels] = image.shape as [number, number, number, number];
    const grid = k.pad(image, [
      [0, 0],
      [0, height - imageHeight],
      [0, width - imageWidth],
      [0, 0],
    ]);
    return k.reshape(grid, [pixels, channels]);
  };
  /** The taps of a filter row side by side, from the first row shift to the last. */
  const sideBySide = cached((rowPhase) => {
    const phases = cached((columnPhase) => {
      const grid = gridOf(phaseOf(k, x, strides, [rowPhase, columnPhase]));
      return k.pad(grid, [
        [before, after],
        [0, 0],
      ]);
    });
    const length = pixels + lastRow - firstRow;
    return k.concat(
      columns.map(({ phase, shift }) =>
        k.slice(phases(phase), [before + firstRow + shift, 0], [length, inChannels]),
      ),
      1,
    );
  });
  const gradient = gridOf(dy);
  const products = rows.map(({ phase }, i) => {
    const taps = k.slice(sideBySide(phase), [rowShifts[i]! - firstRow, 0], [pixels, kernelW * inChannels]);
    return k.run('MatMul', [taps, gradient], { transpose_a: true, transpose_b: false });
  });
  return k.reshape(k.concat(products, 0), filterShape);
}

/** Whether images can share the zeros between them: TensorFlow's own padding at stride 1. */
function isShared({ padding, strides }: ConvSetting): boolean {
  return padding === 'SAME' && strides.every((stride) => stride === 1);
}

function paddedSize({ inputShape, margins }: ConvSetting): [number, number] {
  const [, height, width] = inputShape;
  const [[top, bottom], [left, right]] = margins;
  return [height + top + bottom, width + left + right];
}

/** Of each tap, where its pixel lies among those that are sorted by their index mod stride: which, and how far on. */
function tapsOf(kernel: number, stride: number, margin: number): { phase: number; shift: number }[] {
  return Array.from({ length: kernel }, (_, i) => {
    const shift = Math.floor((i - margin) / stride);
    return { phase: i - margin - shift * stride, shift };
  });
}

function cached(make: (key: number) => Tensor): (key: number) => Tensor {
  const made = new Map<number, Tensor>();
  return (key) => {
    const known = made.get(key) ?? make(key);
    made.set(key, known);
    return known;
  };
}
