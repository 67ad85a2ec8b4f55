import { type Dim, type Graph, type GraphNode, intAttribute, intsAttribute, sizeOf } from '../graph.ts';
import {
  type CostRule,
  compatible,
  formatDims,
  type Int8Rule,
  type Operator,
  product,
  requireRank,
  type ShapeContext,
  type ShapeRule,
} from './operator.ts';
import { slideWindow, slideWindowBack, WINDOW_ATTRIBUTES } from './window.ts';

/**
 * Checks a convolution's weight and bias against its input.
 * @param weightIndex which input the weight is: [outC, inC/group, ...], of a transposed one [inC, outC/group, ...]
 * @returns the output channels and the kernel's sizes
 */
function filters(
  context: ShapeContext,
  weightIndex: number,
  biasIndex: number,
): { outC: Dim; kernel: number[]; x: Dim[] } {
  const { node, error } = context;
  const isTransposed = node.op === 'ConvTranspose';
  const weight = requireRank(context, weightIndex, 3, false);
  const x = requireRank(context, 0, weight.length);
  const kernel = weight.slice(2).map((size) => {
    if (typeof size === 'string') throw error(`the size of its weight ${formatDims(weight)} is not known`);
    return size;
  });
  const declared = intsAttribute(node, 'kernel_shape', kernel);
  if (declared.join() !== kernel.join()) {
    throw error(`its kernel_shape is [${declared}], its weight is ${formatDims(weight)}`);
  }
  const group = intAttribute(node, 'group', 1);
  const times = (dim: Dim): Dim =>
    typeof dim === 'number' ? dim * group : group === 1 ? dim : context.unknown(1);
  const [outC, inC] = isTransposed ? [times(weight[1]!), weight[0]!] : [weight[0]!, times(weight[1]!)];
  if (!compatible(x[1]!, inC)) {
    throw error(
      `its input ${formatDims(x)} has ${x[1]} channels, its weight ${formatDims(weight)} takes ${inC}`,
    );
  }
  const divided = isTransposed ? inC : outC;
  if (typeof divided === 'number' && divided % group !== 0) {
    throw error(
      `${divided} ${isTransposed ? 'input' : 'output'} channels do not divide into ${group} groups`,
    );
  }
  const bias = context.optional(biasIndex)?.dims;
  if (bias && (bias.length !== 1 || !compatible(bias[0]!, outC))) {
    throw error(`its bias is ${formatDims(bias)}, it needs [${outC}]`);
  }
  return { outC, kernel, x };
}

function checkTypes(context: ShapeContext): void {
  const { dtype } = context.input(0);
  const weight = context.input(1).dtype;
  if (weight !== dtype) throw context.error(`its weight is ${weight}, not ${dtype}`);
}

/** [batch, inC, ...] and weight [outC, inC/group, ...] to [batch, outC, ...]. */
const convolve =
  (weightIndex: number, biasIndex: number, isFloat: boolean): ShapeRule =>
  (context) => {
    if (isFloat) checkTypes(context);
    const { outC, kernel, x } = filters(context, weightIndex, biasIndex);
    return [[x[0]!, outC, ...slideWindow(context, x.slice(2), { kernel })]];
  };

const convTranspose: ShapeRule = (context) => {
  checkTypes(context);
  const { outC, kernel, x } = filters(context, 1, 2);
  return [[x[0]!, outC, ...slideWindowBack(context, x.slice(2), kernel)]];
};

/** [batch, channels * size of a block, blocks] to [batch, channels, ...image]. */
const col2im: ShapeRule = (context) => {
  const [batch, columns, places] = requireRank(context, 0, 3) as [Dim, Dim, Dim];
  const [image, block] = [context.ints(1), context.ints(2)];
  if (!image || !block) throw context.error('the sizes of its image and of its blocks are not known');
  if (image.length !== block.length) {
    throw context.error(`its image has ${image.length} sizes, its blocks have ${block.length}`);
  }
  const taps = block.map((size) => {
    if (typeof size === 'string') throw context.error('the sizes of its blocks are not known');
    return size;
  });
  const size = sizeOf(taps);
  const count = product(slideWindow(context, image, { kernel: taps }));
  if (count !== undefined && !compatible(places, count)) {
    throw context.error(
      `its input has ${places} blocks, its image ${formatDims(image)} has room for ${count}`,
    );
  }
  if (typeof columns === 'string') return [[batch, context.unknown(1), ...image]];
  if (columns % size !== 0) {
    throw context.error(`axis 1 of its input, ${columns}, does not divide by ${size}, the size of a block`);
  }
  return [[batch, columns / size, ...image]];
};

/** Each output is a sum over the filter. */
const perOutput =
  (weightIndex: number): CostRule =>
  ({ input, output }) => [...output(), ...input(weightIndex).slice(1)];

const int8: Int8Rule = (node, graph) =>
  hasFloatWeights(node, graph) ? { activations: [0], channelAxis: 0, clips: true } : undefined;

/** Whether the weight and bias, inputs 1 and 2, are constants of float32. */
export function hasFloatWeights({ inputs }: GraphNode, { initializers }: Graph): boolean {
  const isFloat = (index: number): boolean => initializers.get(inputs[index] ?? '')?.dtype === 'float32';
  return isFloat(1) && (!inputs[2] || isFloat(2));
}

const ATTRIBUTES = [...WINDOW_ATTRIBUTES, 'group'];

export const CONVOLUTION: Readonly<Record<string, Operator>> = {
  Conv: {
    attributes: ATTRIBUTES,
    shape: convolve(1, 2, true),
    macs: perOutput(1),
    weights: [1, 2],
    half: 'all',
    int8,
  },
  ConvTranspose: {
    attributes: [...ATTRIBUTES, 'output_padding', 'output_shape'],
    shape: convTranspose,
    // Each input element is multiplied by a filter for every output channel.
    macs: ({ input }) => [...input(0), ...input(1).slice(1)],
    weights: [1, 2],
    half: 'all',
  },
  ConvInteger: {
    attributes: ATTRIBUTES,
    shape: convolve(1, -1, false),
    types: () => ['int32'],
    macs: perOutput(1),
    weights: [1],
  },
  QLinearConv: {
    attributes: ATTRIBUTES,
    shape: convolve(3, 8, false),
    types: ({ type }) => [type(7)],
    macs: perOutput(3),
    weights: [3, 8],
  },
  Col2Im: { attributes: ['dilations', 'pads', 'strides'], shape: col2im, weights: [], half: [0] },
};
