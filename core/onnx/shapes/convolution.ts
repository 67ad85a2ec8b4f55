import { intAttribute, intsAttribute } from '../graph.ts';
import { compatible, formatDims, requireRank, type ShapeRule } from './rule.ts';
import { slideWindow } from './window.ts';

/** Conv: [batch, inC, ...] and weight [outC, inC/group, ...] to [batch, outC, ...]. */
const conv: ShapeRule = (context) => {
  const { node, error } = context;
  const { dtype, dims: x } = context.input(0);
  const weight = requireRank(context, 1, 3, false);
  requireRank(context, 0, weight.length);
  if (context.input(1).dtype !== dtype) throw error(`its weight is ${context.input(1).dtype}, not ${dtype}`);
  const kernel = weight.slice(2).map((size) => {
    if (typeof size === 'string') throw error(`the size of its weight ${formatDims(weight)} is not known`);
    return size;
  });
  const declared = intsAttribute(node, 'kernel_shape', kernel);
  if (declared.join() !== kernel.join()) {
    throw error(`its kernel_shape is [${declared}], its weight is ${formatDims(weight)}`);
  }
  const group = intAttribute(node, 'group', 1);
  const [outC, perGroup] = weight;
  if (typeof perGroup === 'number' && !compatible(x[1]!, perGroup * group)) {
    throw error(
      `its input ${formatDims(x)} has ${x[1]} channels, its weight ${formatDims(weight)} takes ${perGroup * group}`,
    );
  }
  if (typeof outC === 'number' && outC % group !== 0) {
    throw error(`${outC} output channels do not divide into ${group} groups`);
  }
  const bias = context.optional(2)?.dims;
  if (bias && (bias.length !== 1 || !compatible(bias[0]!, outC!))) {
    throw error(`its bias is ${formatDims(bias)}, it needs [${outC}]`);
  }
  return [{ dtype, dims: [x[0]!, outC!, ...slideWindow(context, x.slice(2), { kernel })] }];
};

export const CONVOLUTION_RULES: Readonly<Record<string, ShapeRule>> = { Conv: conv };
