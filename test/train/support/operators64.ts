import {
  float,
  floatAttribute,
  type GraphNode,
  intAttribute,
  intsAttribute,
  sizeOf,
} from '../../../core/onnx/graph.ts';
import { broadcast, map, type Operator64, type Tensor64, zeros } from './tensor64.ts';

/* Operators of the reference beside those that our own nets are made of, by the words of their specification. */

type Unary = (value: number, alpha: (fallback: number) => number, node: GraphNode) => number;
type Index = number[];

const unary =
  (f: Unary): Operator64 =>
  (node, [x]) =>
    map(x!, (value) => f(value, (fallback) => floatAttribute(node, 'alpha', fallback), node));

const variadic =
  (f: (a: number, b: number) => number): Operator64 =>
  (_, [first, ...rest]) =>
    rest.reduce((a, b) => broadcast(a, b, f), first!);

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.log1p(Math.exp(x));
const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

/** By its series, which is exact in float64 for the arguments of tests; by symmetry and 1 far out. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function gelu(x: number, _: unknown, node: GraphNode): number {
  const { approximate } = node.attributes;
  return approximate?.type === 'string' && approximate.value === 'tanh'
    ? (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
    : (x / 2) * (1 + erf(x / Math.SQRT2));
}

/** The place of element `i` in each axis. */
export function indexOf(i: number, dims: readonly number[]): Index {
  let rest = i;
  return dims
    .toReversed()
    .map((dim) => {
      const at = rest % dim;
      rest = (rest - at) / dim;
      return at;
    })
    .reverse();
}

const offset = (index: readonly number[], dims: readonly number[]): number =>
  dims.reduce((at, dim, axis) => at * dim + index[axis]!, 0);

/** Each element of the result is one of `x`, where `from` says, or `fallback`. */
function pick(
  x: Tensor64,
  dims: readonly number[],
  from: (index: Index) => Index | undefined,
  fallback = 0,
): Tensor64 {
  const y = zeros(dims);
  for (let i = 0; i < y.data.length; i++) {
    const source = from(indexOf(i, dims));
    y.data[i] = source ? x.data[offset(source, x.dims)]! : fallback;
  }
  return y;
}

const counted = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
const axisOf = (node: GraphNode, { dims }: Tensor64, fallback: number): number =>
  counted(intAttribute(node, 'axis', fallback), dims.length);

function axesOf(node: GraphNode, x: Tensor64, given: Tensor64 | undefined): number[] {
  const axes = node.attributes.axes ? intsAttribute(node, 'axes', []) : given ? [...given.data] : [];
  if (axes.length === 0 && intAttribute(node, 'noop_with_empty_axes', 0) === 1) return [];
  const all = axes.length === 0 ? x.dims.map((_, axis) => axis) : axes;
  return all.map((axis) => counted(axis, x.dims.length));
}

/** The values along axes for each place in the others, axes kept. */
function groups(x: Tensor64, axes: readonly number[]): { dims: number[]; values: number[][] } {
  const dims = x.dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  const values: number[][] = Array.from({ length: sizeOf(dims) }, () => []);
  for (let i = 0; i < x.data.length; i++) {
    const index = indexOf(i, x.dims).map((at, axis) => (axes.includes(axis) ? 0 : at));
    values[offset(index, dims)]!.push(x.data[i]!);
  }
  return { dims, values };
}

function statistic(x: Tensor64, axes: readonly number[], f: (values: number[]) => number): Tensor64 {
  const { dims, values } = groups(x, axes);
  return { dims, data: Float64Array.from(values, f) };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
const variance = (values: readonly number[]): number =>
  mean(values.map((value) => (value - mean(values)) ** 2));

const reduce =
  (f: (values: number[]) => number): Operator64 =>
  (node, [x, given]) => {
    const axes = axesOf(node, x!, given);
    const kept = statistic(x!, axes, f);
    if (intAttribute(node, 'keepdims', 1) === 1) return kept;
    return { ...kept, dims: kept.dims.filter((_, axis) => !axes.includes(axis)) };
  };

/** (x - mean) / sqrt(variance + epsilon) over axes, or without the mean. */
function normalize(node: GraphNode, x: Tensor64, axes: readonly number[], centred = true): Tensor64 {
  const epsilon = floatAttribute(node, 'epsilon', 1e-5);
  const zeroMean = centred ? broadcast(x, statistic(x, axes, mean), (a, b) => a - b) : x;
  const inverse = statistic(x, axes, (values) =>
    centred
      ? 1 / Math.sqrt(variance(values) + epsilon)
      : 1 / Math.sqrt(mean(values.map((v) => v * v)) + epsilon),
  );
  return broadcast(zeroMean, inverse, (a, b) => a * b);
}

function affine(x: Tensor64, scale: Tensor64, bias?: Tensor64): Tensor64 {
  const scaled = broadcast(x, scale, (a, b) => a * b);
  return bias ? broadcast(scaled, bias, (a, b) => a + b) : scaled;
}

const from = (start: number, { dims }: Tensor64): number[] =>
  dims.flatMap((_, axis) => (axis < start ? [] : [axis]));

/** Groups of channels; scale and bias are a value a channel or a group. */
function groupNorm(node: GraphNode, [x, scale, bias]: Tensor64[], count: number): Tensor64 {
  const [batch, channels] = x!.dims as [number, number];
  const view = { dims: [batch, count, sizeOf(x!.dims) / batch / count], data: x!.data };
  const normalized = { dims: x!.dims, data: normalize(node, view, [2]).data };
  const wide = (a: Tensor64): Tensor64 => ({
    dims: [channels, ...x!.dims.slice(2).map(() => 1)],
    data: Float64Array.from(
      { length: channels },
      (_, c) => a.data[Math.floor((c * a.data.length) / channels)]!,
    ),
  });
  return affine(normalized, wide(scale!), wide(bias!));
}

function matmul(a: Tensor64, b: Tensor64): Tensor64 {
  const left = a.dims.length === 1 ? [1, ...a.dims] : a.dims;
  const right = b.dims.length === 1 ? [...b.dims, 1] : b.dims;
  const [m, k, n] = [left.at(-2)!, left.at(-1)!, right.at(-1)!];
  const flag = (dims: readonly number[]): Tensor64 => ({
    dims,
    data: Float64Array.from({ length: sizeOf(dims) }, (_, i) => i),
  });
  // Which matrix of each side goes with which.
  const pairs = (side: 'a' | 'b') =>
    broadcast(flag(left.slice(0, -2)), flag(right.slice(0, -2)), (x, y) => (side === 'a' ? x : y));
  const [as, bs] = [pairs('a'), pairs('b')];
  const y = zeros([...as.dims, m, n]);
  for (let p = 0; p < as.data.length; p++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let total = 0;
        for (let l = 0; l < k; l++) {
          total += a.data[(as.data[p]! * m + i) * k + l]! * b.data[(bs.data[p]! * k + l) * n + j]!;
        }
        y.data[(p * m + i) * n + j] = total;
      }
    }
  }
  const dims = [...as.dims, ...(a.dims.length === 1 ? [] : [m]), ...(b.dims.length === 1 ? [] : [n])];
  return { dims, data: y.data };
}

/** Labels are letters; `...` is not among the tests that name it here but spelled as axes before the letters. */
function einsum(node: GraphNode, inputs: Tensor64[]): Tensor64 {
  const { equation } = node.attributes;
  const [terms, result] = (equation as { value: string }).value.replaceAll(' ', '').split('->') as [
    string,
    string,
  ];
  const rank = Math.max(
    ...terms.split(',').map((term, i) => inputs[i]!.dims.length - term.replace('...', '').length),
  );
  const rest = 'ABCDEFG'.slice(0, Math.max(0, rank));
  const labels = terms.split(',').map((term, i) => {
    const own = inputs[i]!.dims.length - term.replace('...', '').length;
    return term.replace('...', rest.slice(rest.length - own));
  });
  const out = result.replace('...', rest);
  const sizes = new Map<string, number>();
  labels.forEach((term, i) => {
    [...term].forEach((label, axis) => {
      sizes.set(label, Math.max(sizes.get(label) ?? 1, inputs[i]!.dims[axis]!));
    });
  });
  const names = [...sizes.keys()];
  const all = [...sizes.values()];
  const y = zeros([...out].map((label) => sizes.get(label)!));
  for (let i = 0; i < sizeOf(all); i++) {
    const index = indexOf(i, all);
    const at = (term: string, dims: readonly number[]) =>
      offset(
        [...term].map((label, axis) => (dims[axis] === 1 ? 0 : index[names.indexOf(label)]!)),
        dims,
      );
    const factor = labels.reduce((value, term, j) => value * inputs[j]!.data[at(term, inputs[j]!.dims)]!, 1);
    y.data[at(out, y.dims)]! += factor;
  }
  return y;
}

function softmax(x: Tensor64, axis: number): Tensor64 {
  const shifted = broadcast(
    x,
    statistic(x, [axis], (values) => Math.max(...values)),
    (a, b) => Math.exp(a - b),
  );
  return broadcast(shifted, statistic(shifted, [axis], sum), (a, b) => a / b);
}

function attention(node: GraphNode, [q, k, v, mask]: Tensor64[]): Tensor64 {
  const heads = (x: Tensor64, name: string): Tensor64 => {
    if (x.dims.length === 4) return x;
    const count = intAttribute(node, name, 1);
    const [batch, length, width] = x.dims as [number, number, number];
    const size = width / count;
    return pick(x, [batch, count, length, size], ([b, h, l, s]) => [b!, l!, h! * size + s!]);
  };
  const [queries, keys, values] = [
    heads(q!, 'q_num_heads'),
    heads(k!, 'kv_num_heads'),
    heads(v!, 'kv_num_heads'),
  ];
  const [batch, count, rows, size] = queries.dims as [number, number, number, number];
  const share = count / keys.dims[1]!;
  const [columns, width] = [keys.dims[2]!, values.dims[3]!];
  const scale = floatAttribute(node, 'scale', 0) || 1 / Math.sqrt(size);
  const turned = pick(keys, [batch, count, size, columns], ([b, h, s, c]) => [
    b!,
    Math.floor(h! / share),
    c!,
    s!,
  ]);
  const wide = pick(values, [batch, count, columns, width], ([b, h, c, s]) => [
    b!,
    Math.floor(h! / share),
    c!,
    s!,
  ]);
  const cap = floatAttribute(node, 'softcap', 0);
  let scores = map(matmul(queries, turned), (x) => (cap ? cap * Math.tanh((x * scale) / cap) : x * scale));
  // A mask of truth values is one of 0 and 1 here, and so tells itself from one that is added.
  if (mask) {
    const isTruth = mask.data.every((value) => value === 0 || value === 1);
    scores = broadcast(scores, mask, (a, b) => (isTruth ? (b === 1 ? a : Number.NEGATIVE_INFINITY) : a + b));
  }
  const causal = intAttribute(node, 'is_causal', 0) === 1;
  scores.data.forEach((_, i) => {
    if (causal && i % columns > Math.floor(i / columns) % rows) scores.data[i] = Number.NEGATIVE_INFINITY;
  });
  // A query without keys has no weights, and no answer but zero.
  const weights = map(softmax(scores, 3), (weight) => (Number.isNaN(weight) ? 0 : weight));
  const y = matmul(weights, wide);
  if (q!.dims.length === 4) return y;
  return pick(y, [batch, rows, count * width], ([b, l, s]) => [b!, Math.floor(s! / width), l!, s! % width]);
}

function slice(node: GraphNode, [x, starts, ends, axes, steps]: Tensor64[]): Tensor64 {
  const given = axes ? [...axes.data].map((axis) => counted(axis, x!.dims.length)) : [...starts!.data.keys()];
  // As numpy and JavaScript count: the indices themselves, one after the other.
  const indices = x!.dims.map((dim, axis) => {
    const at = given.indexOf(axis);
    if (at < 0) return Array.from({ length: dim }, (_, i) => i);
    const step = steps ? steps.data[at]! : 1;
    const bound = (value: number, low: number, high: number) =>
      clamp(value < 0 ? value + dim : value, low, high);
    const found: number[] = [];
    const start = step > 0 ? bound(starts!.data[at]!, 0, dim) : bound(starts!.data[at]!, 0, dim - 1);
    const end = step > 0 ? bound(ends!.data[at]!, 0, dim) : bound(ends!.data[at]!, -1, dim - 1);
    for (let i = start; step > 0 ? i < end : i > end; i += step) found.push(i);
    return found;
  });
  void node;
  return pick(
    x!,
    indices.map((list) => list.length),
    (index) => index.map((at, axis) => indices[axis]![at]!),
  );
}

function pad(node: GraphNode, [x, pads, value, axes]: Tensor64[]): Tensor64 {
  const { mode } = node.attributes as { mode?: { value: string } };
  const given = axes ? [...axes.data].map((axis) => counted(axis, x!.dims.length)) : [...x!.dims.keys()];
  const amount = (axis: number, end: number) =>
    given.includes(axis) ? pads!.data[given.indexOf(axis) + end * given.length]! : 0;
  const dims = x!.dims.map((dim, axis) => dim + amount(axis, 0) + amount(axis, 1));
  const source = (position: number, dim: number): number => {
    if (mode?.value === 'edge') return clamp(position, 0, dim - 1);
    if (mode?.value === 'wrap') return (position + 10 * dim) % dim;
    if (position < 0) return -position;
    return position >= dim ? 2 * (dim - 1) - position : position;
  };
  const isConstant = !mode || mode.value === 'constant';
  return pick(
    x!,
    dims,
    (index) => {
      const place = index.map((at, axis) => at - amount(axis, 0));
      const isInside = place.every((at, axis) => at >= 0 && at < x!.dims[axis]!);
      if (isInside) return place;
      return isConstant ? undefined : place.map((at, axis) => source(at, x!.dims[axis]!));
    },
    value ? value.data[0]! : 0,
  );
}

/** Nearest and linear, by half pixels unless asked otherwise, of [N, C, H, W]. */
function resize(node: GraphNode, [x, , scales, sizes]: Tensor64[]): Tensor64 {
  const text = (name: string, fallback: string) =>
    (node.attributes[name] as { value: string } | undefined)?.value ?? fallback;
  const dims = x!.dims.map((dim, axis) =>
    sizes ? sizes.data[axis]! : Math.floor(dim * scales!.data[axis]!),
  );
  const place = (i: number, axis: number): number => {
    const scale = scales?.data[axis] ?? dims[axis]! / x!.dims[axis]!;
    const mode = text('coordinate_transformation_mode', 'half_pixel');
    if (mode === 'asymmetric') return i / scale;
    if (mode === 'align_corners')
      return dims[axis] === 1 ? 0 : (i * (x!.dims[axis]! - 1)) / (dims[axis]! - 1);
    return (i + 0.5) / scale - 0.5;
  };
  if (text('mode', 'nearest') === 'nearest') {
    const round =
      text('nearest_mode', 'round_prefer_floor') === 'floor' ? Math.floor : (v: number) => Math.ceil(v - 0.5);
    return pick(x!, dims, (index) =>
      index.map((at, axis) => clamp(round(place(at, axis)), 0, x!.dims[axis]! - 1)),
    );
  }
  const y = zeros(dims);
  for (let i = 0; i < y.data.length; i++) {
    const at = indexOf(i, dims).map((position, axis) => place(position, axis));
    for (let corner = 0; corner < 2 ** dims.length; corner++) {
      let weight = 1;
      const source = at.map((value, axis) => {
        const low = Math.floor(value);
        const up = (corner >> axis) & 1;
        weight *= up ? value - low : 1 - (value - low);
        return clamp(low + up, 0, x!.dims[axis]! - 1);
      });
      if (weight !== 0) y.data[i]! += weight * x!.data[offset(source, x!.dims)]!;
    }
  }
  return y;
}

/** [N, C, H, W] with blocks of pixels as channels, or the other way. */
function spaceToDepth(x: Tensor64, block: number): Tensor64 {
  const [n, c, h, w] = x.dims as [number, number, number, number];
  return pick(x, [n, c * block ** 2, h / block, w / block], ([b, channel, i, j]) => {
    const inner = Math.floor(channel! / c);
    return [b!, channel! % c, i! * block + Math.floor(inner / block), j! * block + (inner % block)];
  });
}

function depthToSpace(node: GraphNode, x: Tensor64): Tensor64 {
  const block = intAttribute(node, 'blocksize', 1);
  const [n, c, h, w] = x.dims as [number, number, number, number];
  const inner = c / block ** 2;
  const { mode } = node.attributes as { mode?: { value: string } };
  return pick(x, [n, inner, h * block, w * block], ([b, channel, i, j]) => {
    const at = (i! % block) * block + (j! % block);
    const from = mode?.value === 'CRD' ? channel! * block ** 2 + at : at * inner + channel!;
    return [b!, from, Math.floor(i! / block), Math.floor(j! / block)];
  });
}

export const norm =
  (p: number) =>
  (values: readonly number[]): number =>
    sum(values.map((value) => Math.abs(value) ** p)) ** (1 / p);

/** By what is beside a value in the neighbouring channels. */
function localResponse(node: GraphNode, [x]: Tensor64[]): Tensor64 {
  const size = intAttribute(node, 'size', 1);
  const [alpha, beta, bias] = (
    [
      ['alpha', 1e-4],
      ['beta', 0.75],
      ['bias', 1],
    ] as const
  ).map(([name, fallback]) => floatAttribute(node, name, fallback)) as [number, number, number];
  const channels = x!.dims[1]!;
  const y = zeros(x!.dims);
  for (let i = 0; i < y.data.length; i++) {
    const index = indexOf(i, x!.dims);
    let squares = 0;
    for (let other = 0; other < channels; other++) {
      const away = other - index[1]!;
      if (away < -Math.floor((size - 1) / 2) || away > Math.ceil((size - 1) / 2)) continue;
      squares += x!.data[offset([index[0]!, other, ...index.slice(2)], x!.dims)]! ** 2;
    }
    y.data[i] = x!.data[i]! / (bias + (alpha / size) * squares) ** beta;
  }
  return y;
}

function topK(node: GraphNode, [x, k]: Tensor64[]): Tensor64[] {
  const axis = axisOf(node, x!, -1);
  const sign = intAttribute(node, 'largest', 1) === 1 ? 1 : -1;
  const dims = x!.dims.map((dim, i) => (i === axis ? k!.data[0]! : dim));
  const [values, places] = [zeros(dims), zeros(dims)];
  for (let i = 0; i < values.data.length; i++) {
    const index = indexOf(i, dims);
    const line = Array.from({ length: x!.dims[axis]! }, (_, at) => ({
      at,
      value: x!.data[offset(index.with(axis, at), x!.dims)]!,
    })).sort((a, b) => sign * (b.value - a.value));
    values.data[i] = line[index[axis]!]!.value;
    places.data[i] = line[index[axis]!]!.at;
  }
  return [values, places];
}

function cumulated(node: GraphNode, [x, given]: Tensor64[]): Tensor64 {
  const axis = counted(given!.data[0]!, x!.dims.length);
  const [exclusive, reverse] = ['exclusive', 'reverse'].map((name) => intAttribute(node, name, 0) === 1);
  const y = zeros(x!.dims);
  for (let i = 0; i < y.data.length; i++) {
    const index = indexOf(i, x!.dims);
    for (let at = 0; at < x!.dims[axis]!; at++) {
      const before = reverse ? at > index[axis]! : at < index[axis]!;
      if (before || (at === index[axis] && !exclusive)) {
        y.data[i]! += x!.data[offset(index.with(axis, at), x!.dims)]!;
      }
    }
  }
  return y;
}

/** Every value of a block is added to the pixel that it belongs to. */
function col2im(node: GraphNode, [x, image, block]: Tensor64[]): Tensor64 {
  const [size, kernel] = [Array.from(image!.data), Array.from(block!.data)];
  const list = (name: string, fallback: number, count: number) =>
    intsAttribute(node, name, new Array<number>(count).fill(fallback));
  const [strides, dilations] = ['strides', 'dilations'].map((name) => list(name, 1, size.length));
  const pads = list('pads', 0, 2 * size.length);
  const places = size.map((pixels, axis) => {
    const extent = dilations![axis]! * (kernel[axis]! - 1) + 1;
    return Math.floor((pixels + pads[axis]! + pads[axis + size.length]! - extent) / strides![axis]!) + 1;
  });
  const [batch, columns] = x!.dims as [number, number];
  const taps = kernel.reduce((product, tap) => product * tap, 1);
  const y = zeros([batch, columns / taps, ...size]);
  const each = sizeOf(places);
  x!.data.forEach((value, index) => {
    const place = indexOf(index % each, places);
    const column = Math.floor(index / each);
    const tap = indexOf(column % taps, kernel);
    const at = place.map((p, axis) => p * strides![axis]! + tap[axis]! * dilations![axis]! - pads[axis]!);
    if (at.some((pixel, axis) => pixel < 0 || pixel >= size[axis]!)) return;
    const channel = Math.floor(column / taps);
    y.data[channel * sizeOf(size) + offset(at, size)]! += value;
  });
  return y;
}

function gather(node: GraphNode, [x, indices]: Tensor64[]): Tensor64 {
  const axis = axisOf(node, x!, 0);
  const dims = [...x!.dims.slice(0, axis), ...indices!.dims, ...x!.dims.slice(axis + 1)];
  return pick(x!, dims, (index) => {
    const at = index.slice(axis, axis + indices!.dims.length);
    const row = counted(indices!.data[offset(at, indices!.dims)]!, x!.dims[axis]!);
    return [...index.slice(0, axis), row, ...index.slice(axis + indices!.dims.length)];
  });
}

/** The coordinates that indices [..., k] give for an element of the updates or the output. */
function coordinates(index: Index, indices: Tensor64, x: Tensor64): Index {
  const k = indices.dims.at(-1)!;
  const outer = index.slice(0, indices.dims.length - 1);
  const start = offset([...outer, 0], indices.dims);
  const picked = [...indices.data.subarray(start, start + k)].map((at, axis) => counted(at, x.dims[axis]!));
  return [...picked, ...index.slice(indices.dims.length - 1)];
}

function gatherND([x, indices]: Tensor64[]): Tensor64 {
  const dims = [...indices!.dims.slice(0, -1), ...x!.dims.slice(indices!.dims.at(-1)!)];
  return pick(x!, dims, (index) => coordinates(index, indices!, x!));
}

/** Along the axis where the index says. */
function elements(node: GraphNode, x: Tensor64, indices: Tensor64, i: number): Index {
  const axis = axisOf(node, x, 0);
  return indexOf(i, indices.dims).map((at, j) =>
    j === axis ? counted(indices.data[i]!, x.dims[axis]!) : at,
  );
}

const scatter =
  (
    place: (node: GraphNode, x: Tensor64, indices: Tensor64, updates: Tensor64, i: number) => Index,
  ): Operator64 =>
  (node, [x, indices, updates]) => {
    const y = { dims: x!.dims, data: x!.data.slice() };
    const isAdd = (node.attributes.reduction as { value: string } | undefined)?.value === 'add';
    updates!.data.forEach((value, i) => {
      const at = offset(place(node, x!, indices!, updates!, i), y.dims);
      y.data[at] = isAdd ? y.data[at]! + value : value;
    });
    return y;
  };

function split(node: GraphNode, [x, sizes]: Tensor64[]): Tensor64[] {
  const axis = axisOf(node, x!, 0);
  const count = node.outputs.length;
  const each = Math.ceil(x!.dims[axis]! / count);
  let start = 0;
  return node.outputs.map((_, part) => {
    const length = sizes ? sizes.data[part]! : Math.min(each, x!.dims[axis]! - start);
    const at = start;
    start += length;
    return pick(
      x!,
      x!.dims.map((dim, i) => (i === axis ? length : dim)),
      (index) => index.map((value, i) => (i === axis ? value + at : value)),
    );
  });
}

function concat(node: GraphNode, parts: Tensor64[]): Tensor64 {
  const axis = axisOf(node, parts[0]!, 0);
  const dims = parts[0]!.dims.map((dim, i) =>
    i === axis ? parts.reduce((total, part) => total + part.dims[i]!, 0) : dim,
  );
  const y = zeros(dims);
  let start = 0;
  for (const part of parts) {
    part.data.forEach((value, i) => {
      y.data[
        offset(
          indexOf(i, part.dims).map((at, j) => (j === axis ? at + start : at)),
          dims,
        )
      ] = value;
    });
    start += part.dims[axis]!;
  }
  return y;
}

const reshaped = (x: Tensor64, dims: readonly number[]): Tensor64 => {
  const kept = dims.map((dim, axis) => (dim === 0 ? x.dims[axis]! : dim));
  const rest = sizeOf(kept.filter((dim) => dim !== -1));
  return { dims: kept.map((dim) => (dim === -1 ? x.data.length / rest : dim)), data: x.data };
};

function lpNormalize(node: GraphNode, [x]: Tensor64[]): Tensor64 {
  const p = intAttribute(node, 'p', 2);
  const norm = statistic(x!, [axisOf(node, x!, -1)], (values) =>
    p === 1 ? sum(values.map(Math.abs)) : Math.sqrt(sum(values.map((value) => value ** 2))),
  );
  return broadcast(x!, norm, (a, b) => (b === 0 ? 0 : a / b));
}

export const MORE_OPERATORS: Readonly<Record<string, Operator64>> = {
  Tanh: unary(Math.tanh),
  Softplus: unary(softplus),
  Softsign: unary((x) => x / (1 + Math.abs(x))),
  LeakyRelu: unary((x, alpha) => (x > 0 ? x : alpha(0.01) * x)),
  ThresholdedRelu: unary((x, alpha) => (x > alpha(1) ? x : 0)),
  Elu: unary((x, alpha) => (x > 0 ? x : alpha(1) * Math.expm1(x))),
  Selu: unary((x, alpha, node) => {
    const gamma = floatAttribute(node, 'gamma', 1.0507010221481323);
    return gamma * (x > 0 ? x : alpha(1.6732631921768188) * Math.expm1(x));
  }),
  Celu: unary((x, alpha) => Math.max(0, x) + Math.min(0, alpha(1) * Math.expm1(x / alpha(1)))),
  PRelu: (_, [x, slope]) => broadcast(x!, slope!, (a, b) => (a > 0 ? a : a * b)),
  Clip: (_, [x, low, high]) =>
    map(x!, (value) =>
      clamp(value, low ? low.data[0]! : Number.NEGATIVE_INFINITY, high ? high.data[0]! : Infinity),
    ),
  HardSigmoid: unary((x, alpha, node) => clamp(alpha(0.2) * x + floatAttribute(node, 'beta', 0.5), 0, 1)),
  HardSwish: unary((x) => x * clamp(x / 6 + 0.5, 0, 1)),
  Swish: unary((x, alpha) => x * sigmoid(alpha(1) * x)),
  Mish: unary((x) => x * Math.tanh(softplus(x))),
  Gelu: unary(gelu),

  Neg: unary((x) => -x),
  Abs: unary(Math.abs),
  Reciprocal: unary((x) => 1 / x),
  Sqrt: unary(Math.sqrt),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Tan: unary(Math.tan),
  Asin: unary(Math.asin),
  Acos: unary(Math.acos),
  Atan: unary(Math.atan),
  Sinh: unary(Math.sinh),
  Cosh: unary(Math.cosh),
  Asinh: unary(Math.asinh),
  Acosh: unary(Math.acosh),
  Atanh: unary(Math.atanh),
  LRN: localResponse,
  MeanVarianceNormalization: (node, [x]) =>
    normalize({ ...node, attributes: { epsilon: float(0) } }, x!, intsAttribute(node, 'axes', [0, 2, 3])),
  GlobalLpPool: (node, [x]) => statistic(x!, from(2, x!), norm(intAttribute(node, 'p', 2))),
  TopK: topK,
  CumSum: cumulated,
  Trilu: (node, [x, k]) =>
    pick(x!, x!.dims, (index) => {
      const above = index.at(-1)! - index.at(-2)! - (k?.data[0] ?? 0);
      return (intAttribute(node, 'upper', 1) === 1 ? above >= 0 : above <= 0) ? index : undefined;
    }),
  Sin: unary(Math.sin),
  Cos: unary(Math.cos),
  Erf: unary(erf),
  Sign: unary(Math.sign),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Round: unary((x) => Math.ceil(x - 0.5)),
  Sub: variadic((a, b) => a - b),
  Div: variadic((a, b) => a / b),
  Pow: variadic((a, b) => a ** b),
  Sum: variadic((a, b) => a + b),
  Mean: (node, inputs) => map(variadic((a, b) => a + b)(node, inputs) as Tensor64, (x) => x / inputs.length),
  Max: variadic(Math.max),
  Min: variadic(Math.min),
  Where: (_, [condition, a, b]) => {
    const first = broadcast(condition!, a!, (c, x) => (c === 1 ? x : 0));
    const second = broadcast(condition!, b!, (c, x) => (c === 1 ? 0 : x));
    return broadcast(first, second, (x, y) => x + y);
  },

  ReduceSum: reduce(sum),
  ReduceMean: reduce(mean),
  ReduceMax: reduce((values) => Math.max(...values)),
  ReduceMin: reduce((values) => Math.min(...values)),
  ReduceL1: reduce((values) => sum(values.map(Math.abs))),
  ReduceL2: reduce((values) => Math.sqrt(sum(values.map((value) => value ** 2)))),
  ReduceSumSquare: reduce((values) => sum(values.map((value) => value ** 2))),
  ReduceLogSum: reduce((values) => Math.log(sum(values))),
  ReduceLogSumExp: reduce((values) => Math.log(sum(values.map(Math.exp)))),
  ReduceProd: reduce((values) => values.reduce((product, value) => product * value, 1)),
  GlobalMaxPool: (_, [x]) => statistic(x!, from(2, x!), (values) => Math.max(...values)),

  MatMul: (_, [a, b]) => matmul(a!, b!),
  Einsum: einsum,
  Attention: attention,
  Softmax: (node, [x]) => softmax(x!, axisOf(node, x!, -1)),
  LogSoftmax: (node, [x]) => map(softmax(x!, axisOf(node, x!, -1)), Math.log),
  LayerNormalization: (node, [x, scale, bias]) =>
    affine(normalize(node, x!, from(axisOf(node, x!, -1), x!)), scale!, bias),
  RMSNormalization: (node, [x, scale]) =>
    affine(normalize(node, x!, from(axisOf(node, x!, -1), x!), false), scale!),
  InstanceNormalization: (node, inputs) => groupNorm(node, inputs, inputs[0]!.dims[1]!),
  GroupNormalization: (node, inputs) => groupNorm(node, inputs, intAttribute(node, 'num_groups', 1)),
  LpNormalization: lpNormalize,

  Identity: (_, [x]) => x!,
  Cast: (_, [x]) => x!,
  CastLike: (_, [x]) => x!,
  Dropout: (_, [x]) => x!,
  Reshape: (_, [x, dims]) => reshaped(x!, [...dims!.data]),
  Squeeze: (node, [x, given]) => {
    const axes = given || node.attributes.axes ? axesOf(node, x!, given) : undefined;
    return { dims: x!.dims.filter((dim, axis) => (axes ? !axes.includes(axis) : dim !== 1)), data: x!.data };
  },
  Unsqueeze: (_, [x, axes]) => {
    const rank = x!.dims.length + axes!.data.length;
    const added = [...axes!.data].map((axis) => counted(axis, rank));
    const rest = [...x!.dims];
    return {
      dims: Array.from({ length: rank }, (_, axis) => (added.includes(axis) ? 1 : rest.shift()!)),
      data: x!.data,
    };
  },
  Transpose: (node, [x]) => {
    const perm = intsAttribute(
      node,
      'perm',
      x!.dims.map((_, axis) => x!.dims.length - 1 - axis),
    );
    return pick(
      x!,
      perm.map((axis) => x!.dims[axis]!),
      (index) => x!.dims.map((_, axis) => index[perm.indexOf(axis)]!),
    );
  },
  Concat: concat,
  Split: split,
  Slice: slice,
  Expand: (_, [x, shape]) => broadcast(x!, zeros([...shape!.data]), (a) => a),
  Tile: (_, [x, repeats]) =>
    pick(
      x!,
      x!.dims.map((dim, axis) => dim * repeats!.data[axis]!),
      (index) => index.map((at, axis) => at % x!.dims[axis]!),
    ),
  Pad: pad,
  DepthToSpace: (node, [x]) => depthToSpace(node, x!),
  SpaceToDepth: (node, [x]) => spaceToDepth(x!, intAttribute(node, 'blocksize', 1)),
  Col2Im: col2im,
  Resize: resize,
  Gather: gather,
  GatherElements: (node, [x, indices]) => {
    const y = zeros(indices!.dims);
    y.data.forEach((_, i) => {
      y.data[i] = x!.data[offset(elements(node, x!, indices!, i), x!.dims)]!;
    });
    return y;
  },
  GatherND: (_, inputs) => gatherND(inputs),
  ScatterND: scatter((_, x, indices, updates, i) => coordinates(indexOf(i, updates.dims), indices, x)),
  ScatterElements: scatter((node, x, indices, _, i) => elements(node, x, indices, i)),
};
