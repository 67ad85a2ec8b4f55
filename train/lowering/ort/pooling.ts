import { type GraphNode, int, intAttribute, intsAttribute, sizeOf, str } from '../../../core/onnx/graph.ts';
import { TRAINING } from '../../gradients/training-graph.ts';
import { spatialMean, spreadOverPixels } from './channels.ts';
import { convolve } from './conv/convolve.ts';
import { type ConvGeometry, reach } from './conv/geometry.ts';
import { convInputGradient } from './conv/input-gradient.ts';
import type { OrtLowering } from './lower.ts';
import { NCHWC, type StepBuilder, type StepTensor } from './step-builder.ts';

const maxPool: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const x = lowering.value(node.inputs[0]!);
  const [output, indices] = node.outputs as [string, string?];
  if (indices) {
    const { attributes } = node;
    const [y, places] = b.graphBuilder.nodes('MaxPool', [b.toPlain(x).name], 2, { ...attributes });
    const dims = lowering.dims(output);
    lowering.bind(output, { name: y!, dims, layout: 'plain' });
    lowering.bind(indices, { name: places!, dims, layout: 'plain', dtype: 'int64' });
    return;
  }
  lowering.bind(output, pooled(b, node, x, lowering.dims(output)));
};

/** By onnxruntime's NCHWc kernel where the image is blocked. */
function pooled(b: StepBuilder, node: GraphNode, x: StepTensor, dims: readonly number[]): StepTensor {
  const { storage_order: _, ...attributes } = node.attributes;
  const domain = x.layout === 'blocked' ? { domain: NCHWC } : {};
  return b.node(node.op, [x], dims, attributes, { ...domain, layout: x.layout });
}

/**
 * dY is added to the place that the forward operator, asked again, names: of equal values the first. Masks of shifted
 * copies that would stay blocked pass over an image a dozen times where this does three times.
 */
const maxPoolGrad: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const [dy, x] = lowering.inputs(node) as [StepTensor, StepTensor];
  const { storage_order: _, ...attributes } = node.attributes;
  const [, places] = b.graphBuilder.nodes('MaxPool', [b.toPlain(x).name], 2, attributes);
  const index = b.flat({ name: places!, dims: dy.dims, layout: 'plain' });
  const zeros = b.expand(b.constant(0), [sizeOf(x.dims)]);
  const inputs = [zeros, index, b.flat(b.toPlain(dy))];
  const scattered = b.node('ScatterElements', inputs, zeros.dims, { axis: int(0), reduction: str('add') });
  lowering.bind(node.outputs[0]!, b.reshape(scattered, x.dims));
};

const averagePool: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const x = lowering.value(node.inputs[0]!);
  const [output] = node.outputs as [string];
  const dims = lowering.dims(output);
  const g = poolGeometry(node, x.dims, dims);
  const { dilations: _, ...attributes } = node.attributes;
  if (g.dilation.every((step) => step === 1) && intAttribute(node, 'ceil_mode', 0) === 0) {
    lowering.bind(output, pooled(b, { ...node, attributes }, x, dims));
    return;
  }
  // Dilations came with opset 19, and what a last, partial window counts is not the same in all kernels.
  const { filter, shares } = averagingFilter(b, node, g);
  const sum = convolve(b, x, filter, undefined, g);
  lowering.bind(output, shares ? b.elementwise('Mul', [sum, shares], dims) : sum);
};

const averagePoolGrad: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const [dy, x] = lowering.inputs(node) as [StepTensor, StepTensor];
  const g = poolGeometry(node, x.dims, dy.dims);
  const { filter, shares } = averagingFilter(b, node, g);
  const given = shares ? b.elementwise('Mul', [dy, shares], dy.dims) : dy;
  lowering.bind(node.outputs[0]!, convInputGradient(b, g, filter, given));
};

/** The padding after the image is what makes the last windows whole, which with `ceil_mode` is more than is given. */
function poolGeometry(node: GraphNode, x: readonly number[], y: readonly number[]): ConvGeometry {
  const [batch, channels, ...input] = x as [number, number, number, number];
  const stride = intsAttribute(node, 'strides', [1, 1]) as [number, number];
  const dilation = intsAttribute(node, 'dilations', [1, 1]) as [number, number];
  const kernel = intsAttribute(node, 'kernel_shape', []) as [number, number];
  const given = intsAttribute(node, 'pads', [0, 0, 0, 0]);
  const output: [number, number] = [y[2]!, y[3]!];
  const after = (axis: 0 | 1) => {
    const read = (output[axis] - 1) * stride[axis] + reach({ kernel, dilation }, axis) + 1;
    return Math.max(given[axis + 2]!, read - input[axis] - given[axis]!);
  };
  const pads: ConvGeometry['pads'] = [given[0]!, given[1]!, after(0), after(1)];
  const channelCounts = { inChannels: channels, outChannels: channels, group: channels };
  return { batch, ...channelCounts, kernel, stride, dilation, pads, input, output };
}

/**
 * An average as a depthwise convolution: its filter of equal taps, and by what part each place counts, [1, 1, H, W], where
 * not all windows hold as many values.
 */
function averagingFilter(
  b: StepBuilder,
  node: GraphNode,
  { kernel, stride, dilation, input, output, group }: ConvGeometry,
): { filter: StepTensor; shares: StepTensor | undefined } {
  const pads = intsAttribute(node, 'pads', [0, 0, 0, 0]);
  const includesPads = intAttribute(node, 'count_include_pad', 0) === 1;
  const [rows, columns] = ([0, 1] as const).map((axis) => {
    const first = includesPads ? -pads[axis]! : 0;
    const end = input[axis] + (includesPads ? pads[axis + 2]! : 0);
    return Array.from({ length: output[axis] }, (_, place) => {
      const start = place * stride[axis] - pads[axis]!;
      const taps = Array.from({ length: kernel[axis] }, (_, tap) => start + tap * dilation[axis]);
      return taps.filter((at) => at >= first && at < end).length;
    });
  }) as [number[], number[]];
  const weights = rows.flatMap((row) => columns.map((column) => 1 / (row * column)));
  const least = Math.min(...weights);
  const dims = [group, 1, ...kernel];
  const filter = b.constant(new Array<number>(sizeOf(dims)).fill(least), dims);
  if (weights.every((weight) => weight === least)) return { filter, shares: undefined };
  const shares = weights.map((weight) => weight / least);
  return { filter, shares: b.constant(shares, [1, 1, ...output]) };
}

const globalAveragePool: OrtLowering = (lowering, node) => {
  lowering.bind(node.outputs[0]!, spatialMean(lowering.builder, lowering.value(node.inputs[0]!)));
};

const globalAveragePoolGrad: OrtLowering = (lowering, node) => {
  const { builder: b } = lowering;
  const [dy, x] = lowering.inputs(node) as [StepTensor, StepTensor];
  const share = b.div(b.toPlain(dy), b.constant(x.dims[2]! * x.dims[3]!));
  lowering.bind(node.outputs[0]!, spreadOverPixels(b, share, x));
};

export const POOLING: Readonly<Record<string, OrtLowering>> = {
  MaxPool: maxPool,
  [`${TRAINING}.MaxPoolGrad`]: maxPoolGrad,
  AveragePool: averagePool,
  [`${TRAINING}.AveragePoolGrad`]: averagePoolGrad,
  GlobalAveragePool: globalAveragePool,
  [`${TRAINING}.GlobalAveragePoolGrad`]: globalAveragePoolGrad,
};
