import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { UserError } from '../../../../core/errors.ts';
import { type GraphNode, intAttribute, intsAttribute, sizeOf } from '../../../../core/onnx/graph.ts';
import type { Kernels } from '../kernels.ts';
import type { OperatorCall, TfjsOperator } from '../operator.ts';
import {
  CHANNELS_LAST_AXES,
  channelsLast,
  dimsOf,
  inChannelsLast,
  plain,
  toChannelsLast,
  toPlain,
  type Value,
} from '../value.ts';

const counted = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);

const modeOf = ({ attributes }: GraphNode, fallback: string) =>
  attributes.mode?.type === 'string' ? attributes.mode.value : fallback;

/** A list that a node has as an attribute or, in later opsets, as an input. */
const listOf = ({ node, numbers }: OperatorCall, name: string, index: number): number[] | undefined =>
  node.attributes[name] ? intsAttribute(node, name, []) : numbers(index);

/** An activation whose axes a function treats each by itself stays in its layout; all else is plain. */
function byAxis(
  k: Kernels,
  x: Value,
  apply: (tensor: Tensor, axisOf: (axis: number) => number) => Tensor,
): Value {
  if (x.layout === 'channels-last') {
    return channelsLast(apply(x.tensor, (axis) => CHANNELS_LAST_AXES[axis]!));
  }
  return plain(apply(toPlain(k, x), (axis) => axis));
}

/* What only moves values has them in the type in which they come. */

const reshape: TfjsOperator = (call) => {
  const x = toPlain(call.k, call.inputs[0]!);
  const keepsZero = intAttribute(call.node, 'allowzero', 0) === 1;
  const shape = listOf(call, 'shape', 1)!.map((dim, i) => (dim === 0 && !keepsZero ? x.shape[i]! : dim));
  return plain(call.k.reshape(x, shape));
};

/** To and from [N, H, W, C], as nets with a layer norm have it, it is a layout by another name. */
const transpose: TfjsOperator = (call) => {
  const { k, node } = call;
  const x = call.inputs[0]!;
  const dims = dimsOf(x);
  const order = intsAttribute(node, 'perm', dims.map((_, axis) => axis).reverse());
  if (x.layout === 'channels-last' && order.join() === '0,2,3,1') return plain(x.tensor);
  if (x.layout === 'plain' && order.join() === '0,3,1,2') return channelsLast(x.tensor);
  return plain(k.transpose(toPlain(k, x), order));
};

const concat: TfjsOperator = ({ k, node, inputs, input }) => {
  const types = new Set(inputs.map((part) => k.typeOf(part!.tensor)));
  const parts = node.inputs.map((_, i) => (types.size === 1 ? inputs[i]! : input(i)));
  const axis = counted(intAttribute(node, 'axis', 0), dimsOf(parts[0]!).length);
  if (parts.some(({ layout }) => layout === 'channels-last')) {
    const tensors = parts.map((part) => toChannelsLast(k, part));
    return channelsLast(k.concat(tensors, CHANNELS_LAST_AXES[axis]!));
  }
  return plain(
    k.concat(
      parts.map((part) => toPlain(k, part)),
      axis,
    ),
  );
};

/** Into given sizes, or equal ones of which the last may be smaller. */
const split: TfjsOperator = (call) => {
  const { k, node } = call;
  const x = call.inputs[0]!;
  const dims = dimsOf(x);
  const axis = counted(intAttribute(node, 'axis', 0), dims.length);
  const { length } = node.outputs;
  const share = Math.ceil(dims[axis]! / length);
  const sizes =
    listOf(call, 'split', 1) ??
    Array.from({ length }, (_, i) => (i < length - 1 ? share : dims[axis]! - share * (length - 1)));
  if (x.layout === 'channels-last') {
    return k.split(x.tensor, sizes, CHANNELS_LAST_AXES[axis]!).map(channelsLast);
  }
  return k.split(toPlain(k, x), sizes, axis).map(plain);
};

/** `x[start:end:step]` on some axes. TensorFlow's StridedSlice is slow; with a step, rows are gathered. */
const slice: TfjsOperator = (call) => {
  const { k } = call;
  const x = call.inputs[0]!;
  const dims = dimsOf(x);
  const starts = listOf(call, 'starts', 1)!;
  const ends = listOf(call, 'ends', 2)!;
  const axes = listOf(call, 'axes', 3) ?? starts.map((_, axis) => axis);
  const steps = call.numbers(4) ?? starts.map(() => 1);
  return byAxis(k, x, (tensor, axisOf) => {
    let result = tensor;
    axes.forEach((given, i) => {
      const axis = counted(given, dims.length);
      const [size, step] = [dims[axis]!, steps[i]!];
      const [least, most] = step > 0 ? [0, size] : [-1, size - 1];
      const bound = (value: number) => Math.max(least, Math.min(most, counted(value, size)));
      const [start, end] = [bound(starts[i]!), bound(ends[i]!)];
      const length = Math.max(0, Math.ceil((end - start) / step));
      const own = axisOf(axis);
      if (step === 1) {
        result = k.slice(
          result,
          result.shape.map((_, other) => (other === own ? start : 0)),
          result.shape.map((dim, other) => (other === own ? length : dim)),
        );
        return;
      }
      const indices = Array.from({ length }, (_, index) => start + index * step);
      result = k.gather(result, k.tf.tensor1d(indices, 'int32'), own);
    });
    return result;
  });
};

/** Where each place of a padded axis is read from. */
const PADDED_FROM: Readonly<Record<string, (place: number, size: number) => number>> = {
  edge: (place, size) => Math.max(0, Math.min(size - 1, place)),
  reflect(place, size) {
    if (size === 1) return 0;
    const period = 2 * (size - 1);
    const at = ((place % period) + period) % period;
    return at < size ? at : period - at;
  },
  wrap: (place, size) => ((place % size) + size) % size,
};

/** Pads that are negative cut. */
const pad: TfjsOperator = (call) => {
  const { k, node } = call;
  const x = call.input(0);
  const dims = dimsOf(x);
  const amounts = listOf(call, 'pads', 1)!;
  const axes = call.numbers(3)?.map((axis) => counted(axis, dims.length)) ?? dims.map((_, axis) => axis);
  const value = node.attributes.value?.type === 'float' ? node.attributes.value.value : call.numbers(2)?.[0];
  const mode = modeOf(node, 'constant');
  const from = PADDED_FROM[mode];
  return byAxis(k, x, (tensor, axisOf) => {
    const margins = dims.map((): [number, number] => [0, 0]);
    axes.forEach((axis, i) => {
      margins[axisOf(axis)] = [amounts[i]!, amounts[i + axes.length]!];
    });
    if (from) {
      return margins.reduce((result, [before, after], axis) => {
        if (before === 0 && after === 0) return result;
        const size = result.shape[axis]!;
        const indices = Array.from({ length: before + size + after }, (_, i) => from(i - before, size));
        return k.gather(result, k.tf.tensor1d(indices, 'int32'), axis);
      }, tensor);
    }
    const cut = k.slice(
      tensor,
      margins.map(([before]) => Math.max(0, -before)),
      tensor.shape.map((size, axis) =>
        margins[axis]!.reduce((sum, amount) => sum + Math.min(0, amount), size),
      ),
    );
    const added = margins.map((sides) => sides.map((amount) => Math.max(0, amount)) as [number, number]);
    return k.pad(cut, added, value ?? 0);
  });
};

const expand: TfjsOperator = (call) => {
  const { k } = call;
  const x = call.input(0);
  const [dims, asked] = [dimsOf(x), call.numbers(1)!];
  const rank = Math.max(dims.length, asked.length);
  const shape = Array.from({ length: rank }, (_, i) => {
    return Math.max(dims[i - rank + dims.length] ?? 1, asked[i - rank + asked.length] ?? 1);
  });
  if (x.layout === 'channels-last' && rank === 4) {
    return channelsLast(k.broadcast(x.tensor, inChannelsLast(shape)));
  }
  return plain(k.broadcast(toPlain(k, x), shape));
};

const tile: TfjsOperator = ({ k, plain: operand, numbers }) => {
  const repeats = k.integers(numbers(1)!);
  return plain(k.run('Tile', [operand(0), repeats], { Tmultiples: { type: 'int32' } }));
};

/** Indices counted from 0, those from the end among them. */
function nonNegative(k: Kernels, indices: Tensor, size: Tensor): Tensor {
  const isNegative = k.run('Less', [indices, k.integers(0)]);
  return k.add(indices, k.mul(k.cast(isNegative, 'int32'), size));
}

const gather: TfjsOperator = (call) => {
  const { k, node } = call;
  const x = call.input(0);
  const indices = call.plain(1);
  const dims = dimsOf(x);
  const axis = counted(intAttribute(node, 'axis', 0), dims.length);
  const places = nonNegative(k, indices, k.integers(dims[axis]!));
  if (indices.rank === 1) return byAxis(k, x, (tensor, axisOf) => k.gather(tensor, places, axisOf(axis)));
  return plain(k.gather(toPlain(k, x), places, axis));
};

/**
 * The places in a flattened tensor of `dims` that GatherElements' and ScatterElements' indices name: each has its own
 * coordinates but for one axis, which the index gives.
 */
function elementPlaces(k: Kernels, indices: Tensor, dims: readonly number[], axis: number): Tensor {
  const strides = dims.map((_, i) => sizeOf(dims.slice(i + 1)));
  const offsets = new Int32Array(indices.size);
  for (let place = 0; place < offsets.length; place++) {
    let rest = place;
    for (let i = dims.length - 1; i >= 0; i--) {
      const coordinate = rest % indices.shape[i]!;
      rest = Math.floor(rest / indices.shape[i]!);
      if (i !== axis) offsets[place]! += coordinate * strides[i]!;
    }
  }
  const own = k.mul(nonNegative(k, indices, k.integers(dims[axis]!)), k.integers(strides[axis]!));
  return k.add(own, k.tf.tensor(offsets, indices.shape, 'int32'));
}

const gatherElements: TfjsOperator = (call) => {
  const { k, node } = call;
  const [x, indices] = [call.plain(0), call.plain(1)];
  const places = elementPlaces(k, indices, x.shape, counted(intAttribute(node, 'axis', 0), x.rank));
  return plain(k.gather(k.reshape(x, [x.size]), places, 0));
};

const SCATTERS: Readonly<Record<string, string>> = {
  none: 'TensorScatterUpdate',
  add: 'TensorScatterAdd',
  max: 'TensorScatterMax',
  min: 'TensorScatterMin',
};

function scatter(call: OperatorCall, x: Tensor, indices: Tensor, updates: Tensor): Tensor {
  const { reduction } = call.node.attributes;
  const name = SCATTERS[reduction?.type === 'string' ? reduction.value : 'none'];
  if (!name) {
    throw new UserError(
      `${call.node.name}: ${call.node.op} that multiplies cannot be trained with TensorFlow.js`,
    );
  }
  return call.k.run(name, [x, indices, updates], { Tindices: { type: 'int32' } });
}

const scatterElements: TfjsOperator = (call) => {
  const { k, node } = call;
  const [x, indices, updates] = [call.plain(0), call.plain(1), call.plain(2)];
  const places = elementPlaces(k, indices, x.shape, counted(intAttribute(node, 'axis', 0), x.rank));
  const flat = k.reshape(x, [x.size]);
  const rows = k.reshape(places, [indices.size, 1]);
  return plain(k.reshape(scatter(call, flat, rows, k.reshape(updates, [indices.size])), x.shape));
};

const sizesIndexed = (k: Kernels, x: Tensor, indices: Tensor, from = 0) =>
  k.integers(x.shape.slice(from, from + indices.shape.at(-1)!));

/** With batch axes, which TensorFlow's kernel has not, they are two more coordinates. */
const gatherND: TfjsOperator = (call) => {
  const { k, node } = call;
  const [x, indices] = [call.plain(0), call.plain(1)];
  const batch = intAttribute(node, 'batch_dims', 0);
  let places = nonNegative(k, indices, sizesIndexed(k, x, indices, batch));
  for (let axis = batch - 1; axis >= 0; axis--) {
    const shape = [...indices.shape.slice(0, -1), 1];
    const ramp = k.tf.range(0, shape[axis]!, 1, 'int32');
    const coordinate = k.reshape(
      ramp,
      shape.map((size, i) => (i === axis ? size : 1)),
    );
    places = k.concat([k.broadcast(coordinate, shape), places], shape.length - 1);
  }
  const attributes = { T: undefined, Tparams: { type: k.typeOf(x) }, Tindices: { type: 'int32' } } as const;
  return plain(k.run('GatherNd', [x, places], attributes));
};

const scatterND: TfjsOperator = (call) => {
  const { k } = call;
  const [x, indices, updates] = [call.plain(0), call.plain(1), call.plain(2)];
  return plain(scatter(call, x, nonNegative(k, indices, sizesIndexed(k, x, indices)), updates));
};

/** The value's sizes, which TensorFlow has as int32, as all that is counted. */
const shape: TfjsOperator = ({ k, node, inputs }) => {
  const dims = dimsOf(inputs[0]!);
  const [start, end] = [intAttribute(node, 'start', 0), intAttribute(node, 'end', dims.length)];
  return plain(k.integers(dims.slice(start, end)));
};

const range: TfjsOperator = ({ k, inputs, numbers }) => {
  const [start, end, step] = [0, 1, 2].map((index) => numbers(index)![0]!) as [number, number, number];
  const length = Math.max(0, Math.ceil((end - start) / step));
  const values = Array.from({ length }, (_, i) => start + i * step);
  return plain(k.tf.tensor1d(values, k.typeOf(inputs[0]!.tensor) === 'int32' ? 'int32' : 'float32'));
};

/**
 * Operators that move values, https://onnx.ai/onnx/operators; rules emit Reshape and Transpose for Flatten, Squeeze and their
 * kind.
 */
export const LAYOUT: Readonly<Record<string, TfjsOperator>> = {
  Concat: concat,
  Expand: expand,
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherND,
  Pad: pad,
  Range: range,
  Reshape: reshape,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  Shape: shape,
  Slice: slice,
  Split: split,
  Tile: tile,
  Transpose: transpose,
};
