import { floatAttribute, intAttribute, intsAttribute, sizeOf } from '../../../core/onnx/graph.ts';
import type { Rule, TrainedNode } from '../rule.ts';
import type { TrainingGraphBuilder, Value } from '../training-graph.ts';
import { resizeWeights } from './resize-weights.ts';

/** The gradient lies as the input did. */
const reshaped: Rule = {
  forward: (g, n) => [g.reshape(n.x, n.shapes[0]!.dims)],
  backward: (g, { x }, [dy]) => [g.reshape(dy!, x.dims)],
};

const permOf = ({ node, x }: TrainedNode): number[] =>
  intsAttribute(
    node,
    'perm',
    x.dims.map((_, axis) => x.dims.length - 1 - axis),
  );

const inverseOf = (perm: readonly number[]): number[] => perm.map((_, axis) => perm.indexOf(axis));

/** What a Slice picks of an axis: `count` values from `first` on. */
interface Picked {
  axis: number;
  first: number;
  count: number;
  step: number;
}

function pickedOf(n: TrainedNode): Picked[] {
  const given = (name: string, index: number) =>
    n.node.attributes[name] ? intsAttribute(n.node, name, []) : n.numbers(index);
  const [starts, ends] = [given('starts', 1)!, given('ends', 2)!];
  const axes = n.axes(
    3,
    starts.map((_, axis) => axis),
  );
  const steps = n.numbers(4) ?? starts.map(() => 1);
  return axes.map((axis, i) => {
    const [size, step] = [n.x.dims[axis]!, steps[i]!];
    const within = (index: number, least: number, most: number) =>
      Math.min(Math.max(index < 0 ? index + size : index, least), most);
    const [least, most] = step > 0 ? [0, size] : [-1, size - 1];
    const first = within(starts[i]!, Math.max(0, least), most);
    const end = within(ends[i]!, least, most);
    return { axis, first, count: Math.max(0, Math.ceil((end - first) / step)), step };
  });
}

/** The gradient of what was picked, zeros elsewhere. */
function unpicked(
  g: TrainingGraphBuilder,
  dy: Value,
  { axis, first, count, step }: Picked,
  size: number,
): Value {
  if (count === 0) return g.zeros(dy.dims.map((dim, i) => (i === axis ? size : dim)));
  // Backwards is forwards of the values turned round.
  const turned = step < 0 ? g.slice(dy, axis, count - 1, -1, -1) : dy;
  const [start, stride] = [step < 0 ? first + (count - 1) * step : first, Math.abs(step)];
  const dilated = stride === 1 ? turned : dilate(g, turned, axis, stride);
  const at = (amount: number) => dy.dims.map((_, i) => (i === axis ? amount : 0));
  return g.pad(dilated, at(start), at(size - start - dilated.dims[axis]!));
}

/** Puts `stride - 1` zeros after each value of an axis. */
function dilate(g: TrainingGraphBuilder, a: Value, axis: number, stride: number): Value {
  const column = g.reshape(a, [...a.dims.slice(0, axis + 1), 1, ...a.dims.slice(axis + 1)]);
  const none = column.dims.map(() => 0);
  const wide = g.pad(
    column,
    none,
    none.map((_, i) => (i === axis + 1 ? stride - 1 : 0)),
  );
  return g.reshape(
    wide,
    a.dims.map((dim, i) => (i === axis ? dim * stride : dim)),
  );
}

/** Where each value of a padded axis comes from; undefined: from outside. */
function paddedFrom(mode: string, size: number, before: number, after: number): number[] {
  const from = (position: number): number => {
    if (mode === 'edge') return Math.min(Math.max(position, 0), size - 1);
    if (mode === 'wrap') return ((position % size) + size) % size;
    const period = Math.max(1, 2 * (size - 1));
    const folded = ((position % period) + period) % period;
    return Math.min(folded, period - folded);
  };
  return Array.from({ length: size + before + after }, (_, i) => from(i - before));
}

/** How much a Pad adds before and after each axis. */
function padsOf(n: TrainedNode): { before: number[]; after: number[]; mode: string } {
  const pads = n.node.attributes.pads ? intsAttribute(n.node, 'pads', []) : n.numbers(1)!;
  const axes = n.axes(3);
  const amounts = (offset: number) =>
    n.x.dims.map((_, axis) => (axes.includes(axis) ? pads[offset + axes.indexOf(axis)]! : 0));
  const { mode } = n.node.attributes;
  return {
    before: amounts(0),
    after: amounts(axes.length),
    mode: mode?.type === 'string' ? mode.value : 'constant',
  };
}

/** Adds up the gradients of the values that were picked along an axis. */
function unpickedAlong(
  g: TrainingGraphBuilder,
  dy: Value,
  axis: number,
  from: readonly number[],
  size: number,
): Value {
  const perm = [axis, ...[...dy.dims.keys()].filter((other) => other !== axis)];
  const first = g.transpose(dy, perm);
  const sums = g.scatterAdd([size, ...first.dims.slice(1)], g.integers(from, [from.length, 1]), first);
  return g.transpose(sums, inverseOf(perm));
}

/** [N, C, H, W] in six axes, and the order in which they lie in the other form. */
function blocksOf({ node, x }: TrainedNode): { view: number[]; perm: number[] } {
  const [batch, channels, height, width] = x.dims as [number, number, number, number];
  const block = intAttribute(node, 'blocksize', 1);
  if (node.op === 'SpaceToDepth') {
    return { view: [batch, channels, height / block, block, width / block, block], perm: [0, 3, 5, 1, 2, 4] };
  }
  const { mode } = node.attributes;
  const inner = channels / block ** 2;
  return mode?.type === 'string' && mode.value === 'CRD'
    ? { view: [batch, inner, block, block, height, width], perm: [0, 1, 4, 2, 5, 3] }
    : { view: [batch, block, block, inner, height, width], perm: [0, 3, 4, 1, 5, 2] };
}

/** Blocks of pixels from or into channels. */
const blocks: Rule = {
  forward(g, n) {
    const { view, perm } = blocksOf(n);
    return [g.reshape(g.transpose(g.reshape(n.x, view), perm), n.shapes[0]!.dims)];
  },
  backward(g, n, [dy]) {
    const { view, perm } = blocksOf(n);
    const turned = g.reshape(
      dy!,
      perm.map((axis) => view[axis]!),
    );
    return [g.reshape(g.transpose(turned, inverseOf(perm)), n.x.dims)];
  },
};

/** The matrix product along one axis, weights [out, in] or, transposed, the other way. */
function along(g: TrainingGraphBuilder, a: Value, axis: number, weights: Value, transposed: boolean): Value {
  const last = a.dims.length - 1;
  const order = [...a.dims.keys()].map((i) => (i === axis ? last : i === last ? axis : i));
  const turned = g.transpose(a, order);
  const rows = g.reshape(turned, [sizeOf(turned.dims.slice(0, -1)), turned.dims[last]!]);
  const product = g.matmul(rows, weights, false, !transposed);
  return g.transpose(g.reshape(product, [...turned.dims.slice(0, -1), product.dims[1]!]), order);
}

/** Operators that give the values of their input in another shape, order or type, or more or fewer of them. */
export const LAYOUT: Readonly<Record<string, Rule>> = {
  Identity: { forward: (_, { x }) => [x], backward: (_, __, [dy]) => [dy] },
  Flatten: reshaped,
  Reshape: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,

  /** Between types of numbers with a fraction; the gradient is of the input's. */
  Cast: {
    forward: (g, n) => [g.cast(n.x, n.shapes[0]!.dtype)],
    backward: (g, { x }, [dy]) => [g.cast(dy!, x.dtype)],
  },
  CastLike: {
    forward: (g, n) => [g.cast(n.x, n.shapes[0]!.dtype)],
    backward: (g, { x }, [dy]) => [g.cast(dy!, x.dtype)],
  },

  Transpose: {
    forward: (g, n) => [g.transpose(n.x, permOf(n))],
    backward: (g, n, [dy]) => [g.transpose(dy!, inverseOf(permOf(n)))],
  },

  Concat: {
    backward(g, n, [dy]) {
      const axis = n.axis(0);
      let end = 0;
      return n.inputs.map((input, index) => {
        const start = end;
        end += input!.dims[axis]!;
        return n.needs(index) ? g.slice(dy!, axis, start, end) : undefined;
      });
    },
  },

  /** Of sizes that are given, or equal ones, which later operator sets write otherwise. */
  Split: {
    forward(g, n) {
      const axis = n.axis(0);
      let end = 0;
      return n.shapes.map(({ dims }) => {
        const start = end;
        end += dims[axis]!;
        return g.slice(n.x, axis, start, end);
      });
    },
    backward: (g, n, dy) => [g.concat(dy, n.axis(0))],
  },

  Slice: {
    forward: (g, n) => [
      pickedOf(n).reduce(
        (x, { axis, first, count, step }) => g.slice(x, axis, first, first + count * step, step),
        n.x,
      ),
    ],
    backward: (g, n, [dy]) => [
      pickedOf(n).reduceRight(
        (gradient, picked) => unpicked(g, gradient, picked, n.x.dims[picked.axis]!),
        dy!,
      ),
    ],
  },

  Expand: {
    forward: (g, n) => [g.expand(n.x, n.shapes[0]!.dims)],
    backward: (g, { x }, [dy]) => [g.sumTo(dy!, x.dims)],
  },

  Tile: {
    backward(g, { x, y }, [dy]) {
      const repeats = x.dims.map((dim, axis) => y.dims[axis]! / dim);
      const view = x.dims.flatMap((dim, axis) => [repeats[axis]!, dim]);
      const axes = repeats.flatMap((repeat, axis) => (repeat > 1 ? [2 * axis] : []));
      return [g.reshape(g.reduceSum(g.reshape(dy!, view), axes, true), x.dims)];
    },
  },

  /** https://onnx.ai/onnx/operators/onnx__Pad.html; other than by a constant, by picking along each axis. */
  Pad: {
    forward(g, n) {
      if (n.needs(2)) throw n.refusal('with a learned value is not supported');
      const { before, after, mode } = padsOf(n);
      if (mode === 'constant') {
        const value = n.node.attributes.value ? floatAttribute(n.node, 'value', 0) : (n.numbers(2)?.[0] ?? 0);
        return [g.pad(n.x, before, after, value)];
      }
      return [
        n.x.dims.reduce((x, size, axis) => {
          if (before[axis] === 0 && after[axis] === 0) return x;
          return g.gather(x, g.integers(paddedFrom(mode, size, before[axis]!, after[axis]!)), axis);
        }, n.x),
      ];
    },
    backward(g, n, [dy]) {
      const { before, after, mode } = padsOf(n);
      if (mode === 'constant')
        return [
          g.pad(
            dy!,
            before.map((v) => -v),
            after.map((v) => -v),
          ),
        ];
      return [
        n.x.dims.reduceRight((gradient, size, axis) => {
          if (before[axis] === 0 && after[axis] === 0) return gradient;
          const from = paddedFrom(mode, size, before[axis]!, after[axis]!);
          return unpickedAlong(g, gradient, axis, from, size);
        }, dy!),
      ];
    },
  },

  /** https://onnx.ai/onnx/operators/onnx__Trilu.html */
  Trilu: {
    forward: (g, n) => [triangle(g, n, n.x)],
    backward: (g, n, [dy]) => [triangle(g, n, dy!)],
  },

  DepthToSpace: blocks,
  SpaceToDepth: blocks,

  /** https://onnx.ai/onnx/operators/onnx__Resize.html as a product with a matrix of weights along each axis. */
  Resize: {
    forward: (g, n) => [
      resizeWeights(n).reduce(
        (x, { axis, dims, weights }) => along(g, x, axis, g.table('resize', dims, weights), false),
        n.x,
      ),
    ],
    backward: (g, n, [dy]) => [
      resizeWeights(n).reduceRight(
        (gradient, { axis, dims, weights }) =>
          along(g, gradient, axis, g.table('resize', dims, weights), true),
        dy!,
      ),
    ],
  },
};

/** What lies above or below a diagonal of the last two axes, the rest being 0. */
function triangle(g: TrainingGraphBuilder, n: TrainedNode, x: Value): Value {
  const [rows, columns] = x.dims.slice(-2) as [number, number];
  const [diagonal] = n.numbers(1) ?? [0];
  const isUpper = intAttribute(n.node, 'upper', 1) !== 0;
  const ones = Float32Array.from({ length: rows * columns }, (_, i) => {
    const above = (i % columns) - Math.floor(i / columns) - diagonal!;
    return (isUpper ? above >= 0 : above <= 0) ? 1 : 0;
  });
  const zero = g.constant(0);
  return g.where(g.greater(g.table('triangle', [rows, columns], ones), zero), x, zero);
}
