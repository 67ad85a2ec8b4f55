import { formatDims, type ShapeRule } from './rule.ts';

/** Pad: what is added before and after each dimension, as constants; negative ones crop. */
const pad: ShapeRule = (context) => {
  const { dtype, dims } = context.input(0);
  const pads = context.constantInts(1);
  if (!pads) throw context.error('its pads are computed, only constant pads are supported');
  if (pads.length !== 2 * dims.length) {
    throw context.error(`its pads are [${pads}], ${formatDims(dims)} needs ${2 * dims.length}`);
  }
  const padded = dims.map((dim, axis) => {
    const added = pads[axis]! + pads[axis + dims.length]!;
    if (typeof dim === 'number') return dim + added;
    return added === 0 ? dim : context.unknown(axis);
  });
  return [{ dtype, dims: padded }];
};

export const PADDING_RULES: Readonly<Record<string, ShapeRule>> = { Pad: pad };
