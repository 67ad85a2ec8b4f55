import { UserError } from '../../../../core/errors.ts';
import { type GraphNode, intAttribute, intsAttribute } from '../../../../core/onnx/graph.ts';

/** The sizes of a 2-D convolution. */
export interface ConvGeometry {
  batch: number;
  inChannels: number;
  outChannels: number;
  kernel: [number, number];
  stride: [number, number];
  /** Padding as in ONNX: top, left, bottom, right. */
  pads: [number, number, number, number];
  input: [number, number];
  output: [number, number];
}

/**
 * Reads a Conv node's geometry.
 * @throws UserError if it is grouped, dilated or padded automatically: no gradient rule covers those
 */
export function convGeometry(node: GraphNode, x: readonly number[], weight: readonly number[]): ConvGeometry {
  const [batch, inChannels, height, width] = x as [number, number, number, number];
  const [outChannels, , kernelH, kernelW] = weight as [number, number, number, number];
  const [strideH, strideW] = intsAttribute(node, 'strides', [1, 1]) as [number, number];
  const pads = intsAttribute(node, 'pads', [0, 0, 0, 0]) as [number, number, number, number];
  const autoPad = node.attributes.auto_pad;
  const plainPads = autoPad === undefined || (autoPad.type === 'string' && autoPad.value === 'NOTSET');
  if (intAttribute(node, 'group', 1) !== 1 || intsAttribute(node, 'dilations', [1, 1]).some((d) => d !== 1)) {
    throw new UserError(`${node.name}: training a grouped or dilated Conv is not supported`);
  }
  if (!plainPads)
    throw new UserError(`${node.name}: training a Conv with auto_pad is not supported; give pads`);
  return {
    batch,
    inChannels,
    outChannels,
    kernel: [kernelH, kernelW],
    stride: [strideH, strideW],
    pads,
    input: [height, width],
    output: [
      Math.floor((height + pads[0] + pads[2] - kernelH) / strideH) + 1,
      Math.floor((width + pads[1] + pads[3] - kernelW) / strideW) + 1,
    ],
  };
}
