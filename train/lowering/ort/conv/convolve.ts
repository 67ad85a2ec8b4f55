import { ints } from '../../../../core/onnx/graph.ts';
import { NCHWC, type StepBuilder, type StepTensor } from '../step-builder.ts';
import { blockFilter, blockTurnedFilter, turnFilter } from './filter.ts';

/** Whether onnxruntime's NCHWc direct convolution can run these channel counts on this machine. */
export function canConvolveBlocked(b: StepBuilder, inChannels: number, outChannels: number): boolean {
  return b.canBlock(outChannels) && (b.canBlock(inChannels) || inChannels < b.blockSize);
}

/**
 * A convolution whose weight is computed in the graph: by the NCHWc kernels where the channels allow (2 to 4
 * times the speed of the NCHW ones for the narrow layers of small nets), else by the ordinary operator.
 * @param weight [outChannels, inChannels, kH, kW]; if `turned`, that of the convolution whose gradient this is:
 *   [inChannels, outChannels, kH, kW], to be turned by 180 degrees
 * @param pads top, left, bottom, right
 */
export function convolve(
  b: StepBuilder,
  x: StepTensor,
  weight: StepTensor,
  bias: StepTensor | undefined,
  stride: readonly number[],
  pads: readonly number[],
  turned = false,
): StepTensor {
  if (b.portable && endPadsAreLost(x, weight, pads)) {
    const evenly = convolve(b, x, weight, bias, [1, 1], [1, 1, pads[2]!, pads[3]!], turned);
    const rows = b.slice(evenly, 2, 1, evenly.dims[2]!, stride[0]);
    return b.slice(rows, 3, 1, rows.dims[3]!, stride[1]);
  }
  const [batch, inChannels, height, width] = x.dims as [number, number, number, number];
  const [, , kernelH, kernelW] = weight.dims as [number, number, number, number];
  const outChannels = weight.dims[turned ? 1 : 0]!;
  const dims = [
    batch,
    outChannels,
    Math.floor((height + pads[0]! + pads[2]! - kernelH) / stride[0]!) + 1,
    Math.floor((width + pads[1]! + pads[3]! - kernelW) / stride[1]!) + 1,
  ];
  const attributes = { kernel_shape: ints([kernelH, kernelW]), strides: ints(stride), pads: ints(pads) };
  const extra = bias ? [bias] : [];
  if (!canConvolveBlocked(b, inChannels, outChannels)) {
    const filter = turned ? turnFilter(b, weight) : weight;
    return b.node('Conv', [b.toPlain(x), filter, ...extra], dims, attributes);
  }
  // Fewer channels than a block (the stem's three) are read as plain NCHW.
  const input = inChannels < b.blockSize ? b.toPlain(x) : b.toBlocked(x);
  const filter = turned ? blockTurnedFilter(b, weight) : blockFilter(b, weight);
  const inputs = [input, filter, ...extra];
  return b.node('Conv', inputs, dims, attributes, { domain: NCHWC, layout: 'blocked' });
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
