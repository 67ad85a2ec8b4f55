import { type GraphNode, intAttribute, intsAttribute } from '../../../../core/onnx/graph.ts';

/** The sizes of a 2-D convolution. */
export interface ConvGeometry {
  batch: number;
  inChannels: number;
  outChannels: number;
  /** Groups of channels that are convolved by themselves; 1: all with all. */
  group: number;
  kernel: [number, number];
  stride: [number, number];
  dilation: [number, number];
  /** Padding as in ONNX: top, left, bottom, right. */
  pads: [number, number, number, number];
  input: [number, number];
  output: [number, number];
}

/** Reads a Conv node's geometry; its padding is explicit. */
export function convGeometry(node: GraphNode, x: readonly number[], weight: readonly number[]): ConvGeometry {
  const [batch, inChannels, height, width] = x as [number, number, number, number];
  const [outChannels, , kernelH, kernelW] = weight as [number, number, number, number];
  const kernel: [number, number] = [kernelH, kernelW];
  const stride = intsAttribute(node, 'strides', [1, 1]) as [number, number];
  const dilation = intsAttribute(node, 'dilations', [1, 1]) as [number, number];
  const pads = intsAttribute(node, 'pads', [0, 0, 0, 0]) as [number, number, number, number];
  const group = intAttribute(node, 'group', 1);
  const window = { kernel, stride, dilation, pads };
  const output: [number, number] = [slide(height, 0, window), slide(width, 1, window)];
  return { batch, inChannels, outChannels, group, ...window, input: [height, width], output };
}

/** How far a filter's last tap is from its first. */
export function reach({ kernel, dilation }: Pick<ConvGeometry, 'kernel' | 'dilation'>, axis: 0 | 1): number {
  return dilation[axis] * (kernel[axis] - 1);
}

/** How many places a window has along an axis of an image. */
export function slide(
  size: number,
  axis: 0 | 1,
  { kernel, stride, dilation, pads }: Pick<ConvGeometry, 'kernel' | 'stride' | 'dilation' | 'pads'>,
): number {
  const room = size + pads[axis] + pads[axis + 2]! - reach({ kernel, dilation }, axis) - 1;
  return Math.floor(room / stride[axis]) + 1;
}

/** Each channel is convolved with a filter of its own. */
export function isDepthwise(g: ConvGeometry): boolean {
  return g.group === g.inChannels && g.group === g.outChannels;
}

/** Neither grouped nor dilated. */
export function isDense(g: ConvGeometry): boolean {
  return g.group === 1 && g.dilation.every((step) => step === 1);
}
