import { ints } from '../../../core/onnx/graph.ts';
import { NCHWC, type StepBuilder, type StepTensor } from '../step-builder.ts';

/** Whether onnxruntime's NCHWc direct convolution can run these channel counts on this machine. */
export function canConvolveBlocked(b: StepBuilder, inChannels: number, outChannels: number): boolean {
  return b.canBlock(outChannels) && (b.canBlock(inChannels) || inChannels < b.blockSize);
}

/**
 * A convolution whose weight is computed in the graph: by the NCHWc kernels where the channels allow (2 to 4
 * times the speed of the NCHW ones for the narrow layers of small nets), else by the ordinary operator.
 * @param weight [outChannels, inChannels, kH, kW]
 * @param pads top, left, bottom, right
 */
export function convolve(
  b: StepBuilder,
  x: StepTensor,
  weight: StepTensor,
  bias: StepTensor | undefined,
  stride: readonly number[],
  pads: readonly number[],
): StepTensor {
  const [batch, inChannels, height, width] = x.dims as [number, number, number, number];
  const [outChannels, , kernelH, kernelW] = weight.dims as [number, number, number, number];
  const dims = [
    batch,
    outChannels,
    Math.floor((height + pads[0]! + pads[2]! - kernelH) / stride[0]!) + 1,
    Math.floor((width + pads[1]! + pads[3]! - kernelW) / stride[1]!) + 1,
  ];
  const attributes = { kernel_shape: ints([kernelH, kernelW]), strides: ints(stride), pads: ints(pads) };
  const extra = bias ? [bias] : [];
  if (!canConvolveBlocked(b, inChannels, outChannels)) {
    return b.node('Conv', [b.toPlain(x), weight, ...extra], dims, attributes);
  }
  // Fewer channels than a block (the stem's three) are read as plain NCHW.
  const input = inChannels < b.blockSize ? b.toPlain(x) : b.toBlocked(x);
  const inputs = [input, blockFilter(b, weight), ...extra];
  return b.node('Conv', inputs, dims, attributes, { domain: NCHWC, layout: 'blocked' });
}

/** Lays a filter [O, I, kH, kW] out as MLAS's OIHWBiBo, or OIHWBo where the input is plain NCHW. */
function blockFilter(b: StepBuilder, weight: StepTensor): StepTensor {
  const [o, i, h, w] = weight.dims as [number, number, number, number];
  const block = b.blockSize;
  const blocked =
    i < block
      ? b.transpose(b.reshape(weight, [o / block, block, i, h, w]), [0, 2, 3, 4, 1])
      : b.transpose(b.reshape(weight, [o / block, block, i / block, block, h, w]), [0, 2, 4, 5, 3, 1]);
  return b.reshape(blocked, [o, i, h, w]);
}
