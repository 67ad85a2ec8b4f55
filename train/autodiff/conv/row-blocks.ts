import { ints } from '../../../core/onnx/graph.ts';
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
    // A filter is moved over the image by so much to either side.
    g.pads.every((pad, side) => pad < g.kernel[side % 2]!)
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
  const [outH, outW] = g.output;
  const [, width] = g.input;
  const block = b.blockSize;
  const rowBlocks = width / block;
  const channels = Math.min(block, g.inChannels);
  const groups = g.inChannels / channels;
  const image = imagesInnermost(b, pixelsInnermost(b, g, x), n, groups);
  const rows = b.reshape({ ...dy, layout: 'plain' }, [n * (outChannels / block) * outH, outW, block]);
  const taps = Array.from({ length: kernelW }, (_, j) => {
    const shifted = b.pad(rows, [0, j - left, 0], [0, width - outW + left - j, 0]);
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

/** Swaps the axes of [images, groups, ...]. */
function imagesInnermost(b: StepBuilder, a: StepTensor, images: number, groups: number): StepTensor {
  if (groups === 1) return a;
  const rest = a.dims.reduce((product, dim) => product * dim, 1) / (images * groups);
  return b.transpose(b.reshape(a, [images, groups, rest]), [1, 0, 2]);
}
