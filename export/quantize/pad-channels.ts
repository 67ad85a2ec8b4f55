import { type GraphNode, intAttribute, sizeOf, type TensorValue } from '../../core/onnx/graph.ts';

/**
 * onnxruntime's direct int8 convolution (MLAS `MlasConvSym`) takes input channels in fours; any other number
 * goes through im2col, which for the three colours of a first layer takes nearly twice as long.
 */
const CHANNEL_BLOCK = 4;

/** How many channels of zeros a convolution's input should get; 0 for other nodes, and for groups. */
export function missingChannels(node: GraphNode, weight: TensorValue): number {
  if (node.op !== 'Conv' || intAttribute(node, 'group', 1) !== 1) return 0;
  return -weight.dims[1]! & (CHANNEL_BLOCK - 1);
}

/** A convolution's weight for an input of so many channels more, which have no effect. */
export function padWeight(weight: TensorValue, channels: number): TensorValue {
  const [outputs = 0, inputs = 0, ...kernel] = weight.dims;
  const values = weight.data as Float32Array;
  const from = inputs * sizeOf(kernel);
  const to = (inputs + channels) * sizeOf(kernel);
  const data = new Float32Array(outputs * to);
  for (let o = 0; o < outputs; o++) data.set(values.subarray(o * from, (o + 1) * from), o * to);
  return { dtype: 'float32', dims: [outputs, inputs + channels, ...kernel], data };
}

/** The `pads` of a Pad node that puts channels behind those of an image batch of this many dimensions. */
export function channelPads(channels: number, rank: number): number[] {
  const pads = new Array<number>(2 * rank).fill(0);
  pads[rank + 1] = channels;
  return pads;
}
