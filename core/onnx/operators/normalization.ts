import { type Dim, intAttribute } from '../graph.ts';
import { dataTypeOf } from '../tensor-proto.ts';
import {
  broadcast,
  compatible,
  formatDims,
  type Operator,
  requireRank,
  resolveAxis,
  type ShapeContext,
  type ShapeRule,
  sameShape,
} from './operator.ts';

/** Throws unless inputs are vectors of a value each channel, or in GroupNormalization of 18 each group. */
function checkChannels(context: ShapeContext, indices: readonly number[], more?: number): Dim[] {
  const { dims } = context.input(0);
  const channels = requireRank(context, 0, 2, false)[1]!;
  for (const index of indices) {
    const [size] = requireRank(context, index, 1);
    if (!compatible(size!, channels) && size !== more) {
      throw context.error(
        `input ${index} is [${size}], its input ${formatDims(dims)} has ${channels} channels`,
      );
    }
  }
  return dims;
}

/** The input's shape; in training mode also the new running mean and variance, [C]. */
const batchNormalization: ShapeRule = (context) => {
  const x = checkChannels(context, [1, 2, 3, 4]);
  const training = intAttribute(context.node, 'training_mode', 0) !== 0;
  return training ? [x, context.input(3).dims, context.input(4).dims] : [x];
};

/** Normalised over the dimensions from `axis` on; scale and bias are stretched to them. */
const layerNormalization: ShapeRule = (context) => {
  const { dims } = context.input(0);
  const axis = resolveAxis(context, intAttribute(context.node, 'axis', -1), dims.length);
  for (const index of [1, 2]) {
    const parameter = context.optional(index)?.dims ?? [];
    const stretched = broadcast(context, dims, parameter);
    if (stretched.length !== dims.length || stretched.some((dim, i) => !compatible(dim, dims[i]!))) {
      throw context.error(`input ${index} is ${formatDims(parameter)}, its input ${formatDims(dims)}`);
    }
  }
  const statistic = dims.map((dim, i) => (i < axis ? dim : 1));
  return context.node.op === 'LayerNormalization' ? [dims, statistic, statistic] : [dims];
};

const groupNormalization: ShapeRule = (context) => {
  const groups = intAttribute(context.node, 'num_groups', 0);
  const dims = checkChannels(context, [1, 2], groups);
  const [, channels] = dims;
  if (groups < 1 || (typeof channels === 'number' && channels % groups !== 0)) {
    throw context.error(`${channels} channels do not divide into ${groups} groups`);
  }
  return [dims];
};

const alongAxis: ShapeRule = (context) => {
  const { dims } = context.input(0);
  resolveAxis(context, intAttribute(context.node, 'axis', -1), dims.length);
  return [dims];
};

export const NORMALIZATION: Readonly<Record<string, Operator>> = {
  BatchNormalization: {
    attributes: ['epsilon', 'momentum', 'spatial', 'training_mode'],
    shape: batchNormalization,
    types: ({ type }) => [type(0), type(3), type(4)],
    weights: [1, 2],
    half: 'all',
  },
  LayerNormalization: {
    attributes: ['axis', 'epsilon', 'stash_type'],
    shape: layerNormalization,
    types: ({ node, type }) => {
      const statistic = dataTypeOf(intAttribute(node, 'stash_type', 1));
      return [type(0), statistic, statistic];
    },
    weights: [1, 2],
  },
  InstanceNormalization: {
    attributes: ['epsilon'],
    shape: (context) => [checkChannels(context, [1, 2])],
    weights: [1, 2],
  },
  GroupNormalization: {
    attributes: ['epsilon', 'num_groups', 'stash_type'],
    shape: groupNormalization,
    weights: [1, 2],
  },
  RMSNormalization: {
    attributes: ['axis', 'epsilon', 'stash_type'],
    shape: layerNormalization,
    types: ({ type }) => [type(1)],
    weights: [1],
  },
  LpNormalization: { attributes: ['axis', 'p'], shape: alongAxis },
  LRN: { attributes: ['alpha', 'beta', 'bias', 'size'], shape: sameShape },
  MeanVarianceNormalization: { attributes: ['axes'], shape: sameShape },
};
