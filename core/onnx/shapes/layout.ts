import { type Dim, intAttribute, intsAttribute } from '../graph.ts';
import { compatible, formatDims, product, type RuleContext, resolveAxis, type ShapeRule } from './rule.ts';

/** Flatten: to a matrix, the dimensions before `axis` by those from it on. */
const flatten: ShapeRule = (context) => {
  const { dtype, dims } = context.input(0);
  const given = intAttribute(context.node, 'axis', 1);
  // The axis may also be the rank itself: everything in rows of one.
  const axis = given === dims.length ? given : resolveAxis(context, given, dims.length);
  const sizes = [dims.slice(0, axis), dims.slice(axis)];
  return [{ dtype, dims: sizes.map((part, i) => product(part) ?? context.unknown(i)) }];
};

/** Reshape to a constant shape: 0 keeps a dimension (unless `allowzero`), -1 is what is left over. */
const reshape: ShapeRule = (context) => {
  const { dtype, dims } = context.input(0);
  const target = context.constantInts(1);
  if (!target) throw context.error('its shape is computed, only a constant shape is supported');
  const allowZero = intAttribute(context.node, 'allowzero', 0) !== 0;
  const mismatch = () => context.error(`${formatDims(dims)} does not reshape to [${target}]`);
  const result = target.map((size, axis): Dim => {
    if (size < -1) throw mismatch();
    if (size !== 0 || allowZero) return size;
    if (axis >= dims.length) throw mismatch();
    return dims[axis]!;
  });
  const free = result.indexOf(-1);
  if (free !== result.lastIndexOf(-1)) throw context.error(`its shape [${target}] has more than one -1`);
  const rest = result.filter((_, axis) => axis !== free);
  const left = divide(dims, rest);
  if (free === -1) {
    if (left !== 1 && left !== undefined) throw mismatch();
  } else {
    if (typeof left === 'number' && !Number.isInteger(left)) throw mismatch();
    result[free] = left ?? context.unknown(free);
  }
  return [{ dtype, dims: result }];
};

/** The product of `dims` over that of `divisors`; undefined if symbols keep it from being one dimension. */
function divide(dims: readonly Dim[], divisors: readonly Dim[]): Dim | undefined {
  const symbols = dims.filter((dim) => typeof dim === 'string');
  for (const dim of divisors) {
    if (typeof dim === 'number') continue;
    const at = symbols.indexOf(dim);
    if (at === -1) return undefined;
    symbols.splice(at, 1);
  }
  const size = (list: readonly Dim[]): number =>
    list.reduce<number>((total, dim) => (typeof dim === 'number' ? total * dim : total), 1);
  const [whole, part] = [size(dims), size(divisors)];
  // Nothing divides into anything; what is left over is then not determined by the sizes.
  if (part === 0) return whole === 0 ? (symbols.length === 0 ? 1 : undefined) : Number.NaN;
  return product([whole / part, ...symbols]);
}

const transpose: ShapeRule = (context) => {
  const { dtype, dims } = context.input(0);
  const reversed = dims.map((_, axis) => dims.length - 1 - axis);
  const order = intsAttribute(context.node, 'perm', reversed);
  if ([...order].sort((a, b) => a - b).join() !== [...dims.keys()].join()) {
    throw context.error(`its perm [${order}] is no order of ${dims.length} dimensions`);
  }
  return [{ dtype, dims: order.map((axis) => dims[axis]!) }];
};

const concat: ShapeRule = (context) => {
  const { dtype, dims } = context.input(0);
  const axis = resolveAxis(context, intAttribute(context.node, 'axis', 0), dims.length);
  const parts = context.node.inputs.map((_, index) => context.input(index));
  for (const part of parts) {
    const fits =
      part.dtype === dtype &&
      part.dims.length === dims.length &&
      part.dims.every((dim, i) => i === axis || compatible(dim, dims[i]!));
    if (!fits) {
      throw context.error(
        `${dtype} ${formatDims(dims)} and ${part.dtype} ${formatDims(part.dims)} do not join along axis ${axis}`,
      );
    }
  }
  const sum = parts.reduce<number>((total, part) => {
    const size = part.dims[axis]!;
    return typeof size === 'number' ? total + size : Number.NaN;
  }, 0);
  const known = (i: number): Dim =>
    parts.map((part) => part.dims[i]!).find((dim) => typeof dim === 'number') ?? dims[i]!;
  const joined = dims.map((_, i): Dim => {
    if (i !== axis) return known(i);
    if (parts.length === 1) return dims[axis]!;
    return Number.isNaN(sum) ? context.unknown(axis) : sum;
  });
  return [{ dtype, dims: joined }];
};

const squeeze: ShapeRule = (context) => {
  const { dtype, dims } = context.input(0);
  const axes = context.optional(1)
    ? constantAxes(context, dims.length)
    : [...dims.keys()].filter((axis) => dims[axis] === 1);
  for (const axis of axes) {
    if (!compatible(dims[axis]!, 1)) throw context.error(`axis ${axis} of ${formatDims(dims)} is not 1`);
  }
  return [{ dtype, dims: dims.filter((_, axis) => !axes.includes(axis)) }];
};

const unsqueeze: ShapeRule = (context) => {
  const { dtype, dims } = context.input(0);
  const count = context.constantInts(1)?.length ?? 0;
  const axes = new Set(constantAxes(context, dims.length + count));
  const rest = dims[Symbol.iterator]();
  const result = Array.from(
    { length: dims.length + axes.size },
    (_, axis): Dim => (axes.has(axis) ? 1 : rest.next().value!),
  );
  return [{ dtype, dims: result }];
};

function constantAxes(context: RuleContext, rank: number): number[] {
  const given = context.constantInts(1);
  if (!given) throw context.error('its axes are computed, only constant axes are supported');
  const axes = given.map((axis) => resolveAxis(context, axis, rank));
  if (new Set(axes).size !== axes.length) throw context.error(`its axes [${given}] name one twice`);
  return axes;
}

export const LAYOUT_RULES: Readonly<Record<string, ShapeRule>> = {
  Flatten: flatten,
  Reshape: reshape,
  Transpose: transpose,
  Concat: concat,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
};
