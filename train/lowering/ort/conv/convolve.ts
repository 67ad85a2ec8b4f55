import { int, ints } from '../../../../core/onnx/graph.ts';
import { type Layout, NCHWC, type StepBuilder, type StepTensor } from '../step-builder.ts';
import { blockFilter, blockTurnedFilter, turnFilter } from './filter.ts';
import { type ConvGeometry, slide } from './geometry.ts';

/** Whether onnxruntime's NCHWc direct convolution can run these channel counts on this machine. */
export function canConvolveBlocked(
  b: StepBuilder,
  inChannels: number,
  outChannels: number,
  group = 1,
): boolean {
  if (group === 1) return b.canBlock(outChannels) && (b.canBlock(inChannels) || inChannels < b.blockSize);
  if (group === inChannels && group === outChannels) return b.canBlock(group);
  return b.canBlock(inChannels / group) && b.canBlock(outChannels / group);
}

/**
 * Whether channels that fill no block (24 or 40 of 16) are better filled up with zeros: so much is gained that the
 * layers around, wider than these, stay blocked: the nodes of a step of efficientnet_lite0 take 174 ms, not 188.
 */
export function canFillBlocks(b: StepBuilder, inChannels: number, outChannels: number): boolean {
  if (b.portable || b.blockSize === 0 || canConvolveBlocked(b, inChannels, outChannels)) return false;
  return canConvolveBlocked(b, b.filledChannels(inChannels), b.filledChannels(outChannels));
}

/** How a convolution moves its filter. */
export type Movement = Pick<ConvGeometry, 'stride' | 'dilation' | 'pads' | 'group'>;

/**
 * A convolution whose weight is computed in the graph: by the NCHWc kernels where the channels allow (2 to 4
 * times the speed of the NCHW ones for the narrow layers of small nets), else by the ordinary operator.
 * @param weight [outChannels, inChannels / group, kH, kW]; if `turned`, that of the convolution whose gradient this
 *   is: [inChannels, outChannels / group, kH, kW], to be turned by 180 degrees
 */
export function convolve(
  b: StepBuilder,
  x: StepTensor,
  weight: StepTensor,
  bias: StepTensor | undefined,
  movement: Movement,
  turned = false,
): StepTensor {
  const { stride, pads, group } = movement;
  if (b.portable && endPadsAreLost(x, weight, pads)) {
    const even: Movement = { ...movement, stride: [1, 1], pads: [1, 1, pads[2], pads[3]] };
    const evenly = convolve(b, x, weight, bias, even, turned);
    const rows = b.slice(evenly, 2, 1, evenly.dims[2]!, stride[0]);
    return b.slice(rows, 3, 1, rows.dims[3]!, stride[1]);
  }
  const inChannels = x.dims[1]!;
  const outChannels = turned ? weight.dims[1]! * group : weight.dims[0]!;
  if (group === 1 && canFillBlocks(b, inChannels, outChannels)) {
    const [filledIn, filledOut] = [b.filledChannels(inChannels), b.filledChannels(outChannels)];
    const filled = turned ? [filledIn, filledOut] : [filledOut, filledIn];
    const after = filled.map((channels, axis) => channels - weight.dims[axis]!);
    const filter = b.pad(weight, [0, 0, 0, 0], [...after, 0, 0]);
    const filledBias = bias && b.pad(bias, [0], [filledOut - outChannels]);
    const image = inChannels < b.blockSize ? x : b.toFilledBlocks(x);
    return b.firstChannels(convolve(b, image, filter, filledBias, movement, turned), outChannels);
  }
  if (!canConvolveBlocked(b, inChannels, outChannels, group)) {
    const filter = turned ? turnFilter(b, weight, group) : weight;
    return convolveAsItLies(b, b.toPlain(x), filter, movement, 'plain', bias);
  }
  // Fewer channels than a block (the stem's three) are read as plain NCHW.
  const input = inChannels < b.blockSize ? b.toPlain(x) : b.toBlocked(x);
  const filter = turned ? blockTurnedFilter(b, weight, group) : blockFilter(b, weight);
  return convolveAsItLies(b, input, filter, movement, 'blocked', bias);
}

/**
 * The Conv itself, in the layout of its output.
 * @param filter [outChannels, inChannels / group, kH, kW], laid out as that needs it
 */
export function convolveAsItLies(
  b: StepBuilder,
  x: StepTensor,
  filter: StepTensor,
  movement: Movement,
  layout: Layout,
  bias?: StepTensor,
): StepTensor {
  const { stride, dilation, pads, group } = movement;
  const [batch, , height, width] = x.dims as [number, number, number, number];
  const [outChannels, , kernelH, kernelW] = filter.dims as [number, number, number, number];
  const window = { ...movement, kernel: [kernelH, kernelW] as [number, number] };
  const dims = [batch, outChannels, slide(height, 0, window), slide(width, 1, window)];
  const attributes = {
    kernel_shape: ints([kernelH, kernelW]),
    strides: ints(stride),
    pads: ints(pads),
    ...(dilation.some((step) => step > 1) ? { dilations: ints(dilation) } : {}),
    ...(group > 1 ? { group: int(group) } : {}),
  };
  const inputs = [x, filter, ...(bias ? [bias] : [])];
  const domain = layout === 'blocked' ? { domain: NCHWC } : {};
  return b.node('Conv', inputs, dims, attributes, { ...domain, layout });
}

/**
 * onnxruntime's WebGPU provider (1.30) takes a convolution whose kernel has the image's size, without padding
 * before it, for a plain matrix product, and forgets the padding after it. A Pad of its own is no way out: the
 * optimiser makes it part of the Conv again.
 */
function endPadsAreLost(x: StepTensor, weight: StepTensor, pads: readonly number[]): boolean {
  const sameSize = x.dims[2] === weight.dims[2] && x.dims[3] === weight.dims[3];
  return sameSize && pads[0] === 0 && pads[1] === 0 && (pads[2] !== 0 || pads[3] !== 0);
}
