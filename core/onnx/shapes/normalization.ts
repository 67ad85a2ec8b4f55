import { intAttribute } from '../graph.ts';
import { compatible, formatDims, requireRank, type ShapeRule } from './rule.ts';

/** BatchNormalization: the input's shape; in training mode also the new running mean and variance, [C]. */
const batchNormalization: ShapeRule = (context) => {
  const x = context.input(0);
  const channels = requireRank(context, 0, 2, false)[1]!;
  for (const index of [1, 2, 3, 4]) {
    const [size] = requireRank(context, index, 1);
    if (!compatible(size!, channels)) {
      throw context.error(
        `input ${index} is [${size}], its input ${formatDims(x.dims)} has ${channels} channels`,
      );
    }
  }
  const training = intAttribute(context.node, 'training_mode', 0) !== 0;
  return training ? [x, context.input(3), context.input(4)] : [x];
};

export const NORMALIZATION_RULES: Readonly<Record<string, ShapeRule>> = {
  BatchNormalization: batchNormalization,
};
