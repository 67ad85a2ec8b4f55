import { int, ints, sizeOf } from '../../../../core/onnx/graph.ts';
import { NCHWC, type StepBuilder, type StepTensor } from '../step-builder.ts';
import type { ConvGeometry } from './geometry.ts';

/** Whether {@link weightGradientByRowBlocks} can compute this convolution's weight gradient. */
export function canReadRowBlocks(b: StepBuilder, g: ConvGeometry): boolean {
  return (
    !b.portable &&
    b.canBlock(g.outChannels) &&
    (b.canBlock(g.inChannels) || g.inChannels < b.blockSize) &&
    b.canBlock(g.input[1]) &&
    g.stride.every((stride) => stride === 1) &&
    // A filter is moved over the image by less than its size to either side, and never makes its rows longer.
    g.pads.every((pad, side) => pad < g.kernel[side % 2]!) &&
    g.output[1] <= g.input[1]
  );
}

/**
 * dW as a convolution, for images whose rows are whole blocks of pixels: the image is convolved with dY as the
 * filter. What the NCHWc kernels sum over are the channels of their input, in blocks; here blocks of pixels of
 * a row take that part, so that a blocked dY [N, O/b, H, W/b, b (pixels), b (channels)] is such a filter as it
 * lies in memory, H x W/b large, and X needs one pass to swap its pixels and channels within a block. It is
 * moved up and down the image for the taps of a column; those of a row take a shifted copy of dY each.
 * @param dy blocked
 * @returns [O, I, kH, kW]
 */
export function weightGradientByRowBlocks(
  b: StepBuilder,
  g: ConvGeometry,
  x: StepTensor,
  dy: StepTensor,
): StepTensor {
  const { batch: n, outChannels } = g;
  const [kernelH, kernelW] = g.kernel;
  const [top, left, bottom] = g.pads;
  const [outH] = g.output;
  const [, width] = g.input;
  const block = b.blockSize;
  const rowBlocks = width / block;
  const channels = Math.min(block, g.inChannels);
  const groups = g.inChannels / channels;
  const image = imagesInnermost(b, pixelsInnermost(b, g, x), n, groups);
  const taps = Array.from({ length: kernelW }, (_, j) => {
    const shifted = shiftColumns(b, dy, j - left, width);
    const filter = imagesInnermost(b, shifted, n, outChannels / block);
    const attributes = {
      kernel_shape: ints([outH, rowBlocks]),
      dilations: ints([1, channels]),
      pads: ints([top, 0, bottom, 0]),
    };
    const inputs = [
      b.reshape(image, [groups, n * block, g.input[0], rowBlocks * channels]),
      b.reshape(filter, [outChannels, n * block, outH, rowBlocks]),
    ];
    const dims = [groups, outChannels, kernelH, channels];
    return b.toPlain(b.node('Conv', inputs, dims, attributes, { domain: NCHWC, layout: 'blocked' }));
  });
  const split = b.reshape(b.concat(taps, 0), [kernelW, groups, outChannels, kernelH, channels]);
  return b.reshape(b.transpose(split, [2, 1, 4, 3, 0]), [outChannels, g.inChannels, kernelH, kernelW]);
}

/** X as [N, C/b, H, W/b, b (channels), b (pixels)]; the second and the fifth are 1 and C where C is below b. */
function pixelsInnermost(b: StepBuilder, g: ConvGeometry, x: StepTensor): StepTensor {
  const { batch: n, inChannels: c } = g;
  const [height, width] = g.input;
  const block = b.blockSize;
  if (c < block) {
    const view = b.reshape(b.toPlain(x), [n, c, height, width / block, block]);
    return b.transpose(view, [0, 2, 3, 1, 4]);
  }
  // A row of pixels, each a block of channels, is to this operator an image of as many channels as the row has pixels.
  const dims = [n * (c / block) * height, width, 1, block];
  const view = b.reshape({ ...b.toBlocked(x), layout: 'plain' }, dims);
  return { ...b.toBlocked(view), layout: 'plain' };
}

/** A blocked [N, C, H, W] of `width` columns, in which each stands `by` further right; zero where none stood. */
function shiftColumns(b: StepBuilder, a: StepTensor, by: number, width: number): StepTensor {
  const [n, c, height, from] = a.dims as [number, number, number, number];
  const pads = [0, Math.max(0, by), 0, width - from + Math.max(0, -by)];
  if (by === 0 && width === from) return a;
  // A depthwise convolution whose only weight is 1 takes a third of the time of Pad.
  const taps = 1 + Math.abs(by);
  const one = by > 0 ? 0 : taps - 1;
  const values = Array.from({ length: c * taps }, (_, i) =>
    Math.floor(i / b.blockSize) % taps === one ? 1 : 0,
  );
  const filter = b.constant(values, [c, 1, 1, taps]);
  const attributes = { group: int(c), kernel_shape: ints([1, taps]), pads: ints(pads) };
  return b.node('Conv', [a, filter], [n, c, height, width], attributes, { domain: NCHWC, layout: 'blocked' });
}

/** Swaps the axes of [images, groups, ...]. */
function imagesInnermost(b: StepBuilder, a: StepTensor, images: number, groups: number): StepTensor {
  if (groups === 1) return a;
  const rest = sizeOf(a.dims) / (images * groups);
  return b.transpose(b.reshape(a, [images, groups, rest]), [1, 0, 2]);
}
