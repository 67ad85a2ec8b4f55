import { type Dim, type GraphNode, intAttribute, intsAttribute } from '../graph.ts';
import { dataTypeOf } from '../tensor-proto.ts';
import {
  axesOf,
  broadcast,
  compatible,
  formatDims,
  type IntsRule,
  intsOf,
  MOST_INTS,
  type Operator,
  product,
  resolveAxis,
  type ShapeContext,
  type ShapeRule,
  sameShape,
  sum,
} from './operator.ts';

/*
 * Operators that give the values of their inputs in another shape, order or type, or more or fewer of them.
 */

/** To a matrix, the dimensions before `axis` by those from it on. */
const flatten: ShapeRule = (context) => {
  const { dims } = context.input(0);
  const given = intAttribute(context.node, 'axis', 1);
  // The axis may also be the rank itself: everything in rows of one.
  const axis = given === dims.length ? given : resolveAxis(context, given, dims.length);
  const sizes = [dims.slice(0, axis), dims.slice(axis)];
  return [sizes.map((part, i) => product(part) ?? context.unknown(i))];
};

/** To a known shape: 0 keeps a dimension (unless `allowzero`), -1 is what is left over. */
const reshape: ShapeRule = (context) => {
  const { dims } = context.input(0);
  const target = intsOf(context, 'shape', 1, 'shape is');
  if (!target) throw context.error('input 1 is missing');
  const allowZero = intAttribute(context.node, 'allowzero', 0) !== 0;
  const mismatch = () => context.error(`${formatDims(dims)} does not reshape to [${target}]`);
  const result = target.map((size, axis): Dim => {
    if (typeof size === 'number' && size < -1) throw mismatch();
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
  return [result];
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
  const { dims } = context.input(0);
  const reversed = dims.map((_, axis) => dims.length - 1 - axis);
  const order = intsAttribute(context.node, 'perm', reversed);
  if ([...order].sort((a, b) => a - b).join() !== [...dims.keys()].join()) {
    throw context.error(`its perm [${order}] is no order of ${dims.length} dimensions`);
  }
  return [order.map((axis) => dims[axis]!)];
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
  const known = (i: number): Dim =>
    parts.map((part) => part.dims[i]!).find((dim) => typeof dim === 'number') ?? dims[i]!;
  const joined = dims.map((_, i): Dim => {
    if (i !== axis) return known(i);
    return sum(parts.map((part) => part.dims[axis]!)) ?? context.unknown(axis);
  });
  return [joined];
};

/** Values joined along their only axis. */
function concatInts(context: ShapeContext): Dim[] | undefined {
  const parts = context.node.inputs.map((_, index) => context.ints(index));
  return context.input(0).dims.length === 1 && parts.every((part) => part !== undefined)
    ? parts.flat()
    : undefined;
}

/** Into as many parts as there are outputs, of sizes that are given or equal; of `num_outputs` the last is smaller. */
const split: ShapeRule = (context) => {
  const { node, error } = context;
  const { dims } = context.input(0);
  const axis = resolveAxis(context, intAttribute(node, 'axis', 0), dims.length);
  const size = dims[axis]!;
  const count = node.outputs.length;
  const given = intsOf(context, 'split', 1, 'sizes are');
  const wanted = intAttribute(node, 'num_outputs', count);
  const part = (index: number): Dim => {
    if (typeof size === 'string') return wanted === 1 ? size : context.unknown(axis, index);
    const each = Math.ceil(size / wanted);
    return Math.max(0, Math.min(each, size - index * each));
  };
  const parts = given?.length ?? wanted;
  if (parts !== count) throw error(`it gives ${parts} parts, it has ${count} outputs`);
  const sizes = given ?? Array.from({ length: count }, (_, index) => part(index));
  const total = sum(sizes);
  if (total !== undefined && !compatible(total, size)) {
    throw error(`axis ${axis} of ${formatDims(dims)} does not divide into [${sizes}]`);
  }
  if (!given && typeof size === 'number' && !('num_outputs' in node.attributes) && size % wanted !== 0) {
    throw error(`axis ${axis} of ${formatDims(dims)} does not divide into ${wanted} equal parts`);
  }
  return sizes.map((each) => dims.map((dim, i) => (i === axis ? each : dim)));
};

/** How a Slice cuts an axis. */
interface Cut {
  axis: number;
  /** Undefined where it is computed. */
  start: Dim | undefined;
  end: Dim | undefined;
  step: number | undefined;
}

function cutsOf(context: ShapeContext, rank: number): Cut[] {
  const { node, error } = context;
  const bound = (name: string, index: number): { length: number; values: Dim[] | undefined } => {
    const attribute = node.attributes[name];
    if (attribute?.type === 'ints') return { length: attribute.value.length, values: attribute.value };
    const [length] = context.input(index).dims;
    if (typeof length !== 'number') throw error(`how many ${name} it has is not known`);
    return { length, values: context.ints(index) };
  };
  const [starts, ends] = [bound('starts', 1), bound('ends', 2)];
  const axes = axesOf(context, 3, rank) ?? Array.from({ length: starts.length }, (_, axis) => axis);
  const steps = context.optional(4) ? bound('steps', 4) : undefined;
  if (ends.length !== starts.length || axes.length !== starts.length || axes.length > rank) {
    throw error(`it has ${starts.length} starts, ${ends.length} ends and ${axes.length} axes`);
  }
  return axes.map((axis, i) => {
    const step = steps ? steps.values?.[i] : 1;
    if (step === 0) throw error('its steps must not be 0');
    return {
      axis,
      start: starts.values?.[i],
      end: ends.values?.[i],
      step: typeof step === 'number' ? step : undefined,
    };
  });
}

/** Ends as exporters write them for "to the last". */
const TO_THE_LAST = 2 ** 31 - 1;

const slice: ShapeRule = (context) => {
  const dims = [...context.input(0).dims];
  for (const { axis, start, end, step } of cutsOf(context, dims.length)) {
    const size = dims[axis]!;
    if (typeof size === 'string') {
      const isWhole =
        step === 1 && start === 0 && (end === size || (typeof end === 'number' && end >= TO_THE_LAST));
      if (!isWhole) dims[axis] = context.unknown(axis);
    } else if (typeof start === 'number' && typeof end === 'number' && step !== undefined) {
      dims[axis] = picked(size, start, end, step).length;
    } else dims[axis] = context.unknown(axis);
  }
  return [dims];
};

/** The indices that a slice picks. */
function picked(size: number, start: number, end: number, step: number): { first: number; length: number } {
  const within = (index: number, least: number, most: number): number =>
    Math.min(Math.max(index < 0 ? index + size : index, least), most);
  const forward = step > 0;
  const first = forward ? within(start, 0, size) : within(start, 0, size - 1);
  const last = forward ? within(end, 0, size) : within(end, -1, size - 1);
  return { first, length: Math.max(0, Math.ceil((last - first) / step)) };
}

function sliceInts(context: ShapeContext): Dim[] | undefined {
  const values = context.ints(0);
  if (!values || context.input(0).dims.length !== 1) return undefined;
  const [cut, ...more] = cutsOf(context, 1);
  if (!cut || more.length > 0) return undefined;
  const { start, end, step } = cut;
  if (typeof start !== 'number' || typeof end !== 'number' || step === undefined) return undefined;
  const { first, length } = picked(values.length, start, end, step);
  return Array.from({ length }, (_, i) => values[first + i * step]!);
}

/** Of no axes: those of size 1, where a size that is not known is none. */
const squeeze: ShapeRule = (context) => {
  const { dims } = context.input(0);
  const axes = axesOf(context, 1, dims.length) ?? [...dims.keys()].filter((axis) => dims[axis] === 1);
  for (const axis of axes) {
    if (!compatible(dims[axis]!, 1)) throw context.error(`axis ${axis} of ${formatDims(dims)} is not 1`);
  }
  return [dims.filter((_, axis) => !axes.includes(axis))];
};

const unsqueeze: ShapeRule = (context) => {
  const { dims } = context.input(0);
  const count = intsOf(context, 'axes', 1)?.length;
  if (count === undefined) throw context.error('input 1 is missing');
  const axes = new Set(axesOf(context, 1, dims.length + count));
  const rest = dims[Symbol.iterator]();
  return [
    Array.from(
      { length: dims.length + axes.size },
      (_, axis): Dim => (axes.has(axis) ? 1 : rest.next().value!),
    ),
  ];
};

/** What is added before and after each dimension, or each that `axes` names; negative numbers crop. */
const pad: ShapeRule = (context) => {
  const { dims } = context.input(0);
  const pads = intsOf(context, 'pads', 1);
  if (!pads) throw context.error('input 1 is missing');
  const axes = axesOf(context, 3, dims.length) ?? [...dims.keys()];
  if (pads.length !== 2 * axes.length) {
    throw context.error(`its pads are [${pads}], ${formatDims(dims)} needs ${2 * axes.length}`);
  }
  return [
    dims.map((dim, axis) => {
      const at = axes.indexOf(axis);
      return at < 0 ? dim : (sum([dim, pads[at]!, pads[at + axes.length]!]) ?? context.unknown(axis));
    }),
  ];
};

const expand: ShapeRule = (context) => {
  const target = intsOf(context, '', 1, 'shape is');
  if (!target) throw context.error('input 1 is missing');
  return [broadcast(context, context.input(0).dims, target)];
};

const tile: ShapeRule = (context) => {
  const { dims } = context.input(0);
  const repeats = intsOf(context, '', 1, 'repeats are');
  if (repeats?.length !== dims.length) {
    throw context.error(`its repeats are [${repeats}], its input is ${formatDims(dims)}`);
  }
  return [dims.map((dim, axis) => product([dim, repeats[axis]!]) ?? context.unknown(axis))];
};

/** Larger or smaller by `scales`, or to `sizes`, of every dimension or of those that `axes` names. */
const resize: ShapeRule = (context) => {
  const { node, error } = context;
  const { dims } = context.input(0);
  // Resize of 10 and Upsample have no region, and no sizes.
  const isOld = node.inputs.length === 2;
  const axes = axesOf(context, -1, dims.length) ?? [...dims.keys()];
  const attribute = node.attributes.scales;
  const scales = attribute?.type === 'floats' ? attribute.value : floatsOf(context, isOld ? 1 : 2, 'scales');
  const sizes = isOld ? undefined : intsOf(context, '', 3, 'sizes are');
  const given: readonly Dim[] | undefined = scales ?? sizes;
  if (!given) throw error('it has neither scales nor sizes');
  if (given.length !== axes.length) {
    throw error(
      `its ${scales ? 'scales' : 'sizes'} are ${given.length}, ${formatDims(dims)} needs ${axes.length}`,
    );
  }
  const { coordinate_transformation_mode: mode, keep_aspect_ratio_policy: policy } = node.attributes;
  if (scales && mode?.type === 'string' && mode.value === 'tf_crop_and_resize') {
    throw error('scales of a region are not supported, give sizes');
  }
  let scaleOf = (axis: number, at: number): Dim =>
    sizes?.[at] ?? scaled(context, dims[axis]!, scales![at]!, axis);
  if (sizes && policy?.type === 'string' && policy.value !== 'stretch') {
    const ratios = axes.map((axis, at) => Number(sizes[at]) / Number(dims[axis]));
    const ratio = policy.value === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
    scaleOf = (axis) =>
      Number.isNaN(ratio) ? context.unknown(axis) : Math.round(ratio * Number(dims[axis]));
  }
  return [
    dims.map((dim, axis) => {
      const at = axes.indexOf(axis);
      return at < 0 ? dim : scaleOf(axis, at);
    }),
  ];
};

function scaled(context: ShapeContext, dim: Dim, scale: number, axis: number): Dim {
  if (typeof dim === 'string') return scale === 1 ? dim : context.unknown(axis);
  // In float32, as it is computed.
  return Math.floor(Math.fround(Math.fround(scale) * dim));
}

/** An optional constant of floats; an empty one counts as left out. @throws UserError if it is computed */
function floatsOf(context: ShapeContext, index: number, what: string): number[] | undefined {
  if (!context.optional(index)) return undefined;
  const data = context.constant(index)?.data;
  if (!(data instanceof Float32Array))
    throw context.error(`its ${what} are computed, only constant ones are supported`);
  return data.length === 0 ? undefined : [...data];
}

/** [batch, C, H, W], blocks of positions from or into channels. */
const blocks =
  (toSpace: boolean): ShapeRule =>
  (context) => {
    const { dims } = context.input(0);
    const block = intAttribute(context.node, 'blocksize', 0);
    if (dims.length !== 4 || block < 1) {
      throw context.error(`its input is ${formatDims(dims)}, its blocksize ${block}`);
    }
    const [batch, channels, height, width] = dims as [Dim, Dim, Dim, Dim];
    const over = (dim: Dim, axis: number, by: number): Dim => {
      if (typeof dim === 'string') return by === 1 ? dim : context.unknown(axis);
      if (dim % by !== 0) throw context.error(`axis ${axis} of ${formatDims(dims)} does not divide by ${by}`);
      return dim / by;
    };
    const times = (dim: Dim, axis: number, by: number): Dim => product([dim, by]) ?? context.unknown(axis);
    const [along, across] = toSpace ? [times, over] : [over, times];
    return [[batch, across(channels, 1, block ** 2), along(height, 2, block), along(width, 3, block)]];
  };

const castType = (node: GraphNode) => dataTypeOf(intAttribute(node, 'to', 0));

const cast: ShapeRule = (context) => {
  if (!castType(context.node)) {
    throw context.error(`it casts to the unsupported data type ${intAttribute(context.node, 'to', 0)}`);
  }
  return [context.input(0).dims];
};

/** Dropout draws numbers in training only, which its third input says since operator set 12. */
const dropsOut = ({ inputs }: GraphNode): boolean => (inputs[2] ?? '') !== '';

/** Whole numbers stay what they are in another form. */
const sameInts: IntsRule = (context) => context.ints(0);
const FORM: Partial<Operator> = { weights: [], half: [0], moves: 'all' };
/** The same, in the same order. */
const SAME: Partial<Operator> = { ...FORM, ints: sameInts };

export const LAYOUT: Readonly<Record<string, Operator>> = {
  Identity: { ...SAME, attributes: [], shape: sameShape, half: 'all' },
  Cast: {
    attributes: ['round_mode', 'saturate', 'to'],
    shape: cast,
    ...{ types: ({ node }) => [castType(node)], weights: [], moves: 'all', ints: sameInts },
  },
  CastLike: {
    attributes: ['round_mode', 'saturate'],
    shape: sameShape,
    ...{ types: ({ type }) => [type(1)], weights: [], moves: 'all', ints: sameInts },
  },
  Dropout: {
    ...FORM,
    attributes: ['ratio', 'seed'],
    shape: (context) => [context.input(0).dims, context.input(0).dims],
    types: ({ type }) => [type(0), 'bool'],
    random: dropsOut,
  },
  Flatten: {
    ...SAME,
    attributes: ['axis'],
    shape: flatten,
    half: 'all',
    int8: () => ({ activations: [0], sameScale: true }),
  },
  Reshape: { ...SAME, attributes: ['allowzero'], shape: reshape },
  Squeeze: { ...SAME, attributes: ['axes'], shape: squeeze },
  Unsqueeze: { ...SAME, attributes: ['axes'], shape: unsqueeze },
  Transpose: {
    ...{ attributes: ['perm'], shape: transpose, weights: [], half: 'all', moves: 'all' },
    ints: (context) => (context.input(0).dims.length < 2 ? context.ints(0) : undefined),
  },
  DepthToSpace: { ...FORM, attributes: ['blocksize', 'mode'], shape: blocks(true), half: 'all' },
  SpaceToDepth: { ...FORM, attributes: ['blocksize'], shape: blocks(false), half: 'all' },
  Concat: { attributes: ['axis'], shape: concat, half: 'all', ints: concatInts },
  Split: {
    attributes: ['axis', 'num_outputs', 'split'],
    shape: split,
    types: ({ node, type }) => node.outputs.map(() => type(0)),
    half: [0],
    moves: 'some',
  },
  Slice: { attributes: ['axes', 'ends', 'starts'], shape: slice, half: [0], moves: 'some', ints: sliceInts },
  Pad: { attributes: ['mode', 'pads', 'value'], shape: pad, weights: [], half: [0, 2] },
  Expand: {
    ...{ attributes: [], shape: expand, weights: [], half: [0], moves: 'all' },
    ints: (context) => {
      const [values, target] = [context.ints(0), context.constantInts(1)];
      const length = target?.length === 1 ? Math.max(target[0]!, values?.length ?? 0) : undefined;
      if (!values || length === undefined || length > MOST_INTS) return undefined;
      return values.length === length ? values : Array<Dim>(length).fill(values[0]!);
    },
  },
  Tile: { attributes: [], shape: tile, weights: [], moves: 'all' },
  Resize: {
    attributes: [
      ...['antialias', 'axes', 'coordinate_transformation_mode', 'cubic_coeff_a', 'exclude_outside'],
      ...['extrapolation_value', 'keep_aspect_ratio_policy', 'mode', 'nearest_mode'],
    ],
    shape: resize,
    weights: [],
  },
  Upsample: { attributes: ['mode', 'scales'], shape: resize, weights: [] },
  Trilu: { attributes: ['upper'], shape: sameShape },
};
