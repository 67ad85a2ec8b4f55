import { int, intAttribute, ints, sizeOf } from '../../../core/onnx/graph.ts';
import type { Rule, TrainedNode } from '../rule.ts';
import { reducedDims, type TrainingGraphBuilder, type Value } from '../training-graph.ts';

/** The axes that a node reduces: of no axes all, unless it is told otherwise. */
function reducedAxes(n: TrainedNode): number[] {
  const axes = n.axes(1, []);
  const isIdentity = intAttribute(n.node, 'noop_with_empty_axes', 0) !== 0;
  return axes.length > 0 || isIdentity ? axes : n.x.dims.map((_, axis) => axis);
}

/**
 * A reduction over axes, an attribute or an input.
 * @param slope the gradient of x, for those of y and y itself with the axes kept
 * @param ofOne what it makes of each element where it reduces no axis (`noop_with_empty_axes`), as onnxruntime has it; default: itself
 */
function reduction(
  slope: (g: TrainingGraphBuilder, x: Value, dy: Value, y: Value, axes: readonly number[]) => Value,
  ofOne?: (g: TrainingGraphBuilder, x: Value) => Value,
): Rule {
  return {
    forward(g, n) {
      const axes = reducedAxes(n);
      const keep = intAttribute(n.node, 'keepdims', 1) !== 0;
      if (n.node.op === 'ReduceSum') return [g.reduceSum(n.x, axes, keep)];
      if (axes.length === 0) return [ofOne ? ofOne(g, n.x) : n.x];
      const attributes = { axes: ints(axes), keepdims: int(keep ? 1 : 0) };
      return [g.node(n.node.op, [n.x], reducedDims(n.x.dims, axes, keep), attributes)];
    },
    backward(g, n, [dy]) {
      const axes = reducedAxes(n);
      if (axes.length === 0 && !ofOne) return [dy];
      const kept = reducedDims(n.x.dims, axes, true);
      return [g.expand(slope(g, n.x, g.reshape(dy!, kept), g.reshape(n.y, kept), axes), n.x.dims)];
    },
  };
}

/** Equal extremes share the gradient, as in PyTorch's amax. */
const extreme = reduction((g, x, dy, y, axes) => {
  const isIt = g.toFactor(g.equal(x, y));
  return g.mul(isIt, g.div(dy, g.reduceSum(isIt, axes, true)));
});

const absolute = (g: TrainingGraphBuilder, x: Value) => g.elementwise('Abs', x);

/** Reductions over axes, https://onnx.ai/onnx/operators. */
export const REDUCTION: Readonly<Record<string, Rule>> = {
  ReduceSum: reduction((_g, _x, dy) => dy),
  ReduceMean: reduction((g, x, dy, _, axes) =>
    g.scale(dy, 1 / axes.reduce((count, axis) => count * x.dims[axis]!, 1)),
  ),
  ReduceMax: extreme,
  ReduceMin: extreme,
  ReduceL1: reduction((g, x, dy) => g.mul(dy, g.elementwise('Sign', x)), absolute),
  // 0 where the norm is 0.
  ReduceL2: reduction((g, x, dy, y) => {
    const zero = g.constant(0);
    return g.mul(x, g.where(g.equal(y, zero), zero, g.div(dy, y)));
  }, absolute),
  ReduceSumSquare: reduction(
    (g, x, dy) => g.mul(x, g.scale(dy, 2)),
    (g, x) => g.mul(x, x),
  ),
  ReduceLogSum: reduction(
    (g, _, dy, y) => g.div(dy, g.exp(y)),
    (g, x) => g.elementwise('Log', x),
  ),
  ReduceLogSumExp: reduction((g, x, dy, y) => g.mul(dy, g.exp(g.sub(x, y)))),
  // The product of the others, where one of them or x itself is 0 too.
  ReduceProd: reduction((g, x, dy, _, axes) => {
    const [zero, one] = [g.constant(0), g.constant(1)];
    const isZero = g.equal(x, zero);
    const nonzero = g.where(isZero, one, x);
    const attributes = { axes: ints(axes), keepdims: int(1) };
    const product = g.mul(dy, g.node('ReduceProd', [nonzero], reducedDims(x.dims, axes, true), attributes));
    const zeros = g.reduceSum(g.toFactor(isZero), axes, true);
    const ofZero = g.where(g.equal(zeros, one), product, zero);
    const ofOther = g.where(g.equal(zeros, zero), product, zero);
    return g.where(isZero, ofZero, g.div(ofOther, nonzero));
  }),

  /** https://onnx.ai/onnx/operators/onnx__CumSum.html A product with ones above the diagonal. */
  CumSum: {
    forward: (g, n) => [cumulated(g, n, n.x, false)],
    backward: (g, n, [dy]) => [cumulated(g, n, dy!, true)],
  },

  /** The first of equal largest values has the gradient, as in PyTorch's adaptive_max_pool. */
  GlobalMaxPool: {
    backward(g, { x }, [dy]) {
      const [rows, width] = [x.dims[0]! * x.dims[1]!, sizeOf(x.dims.slice(2))];
      const flat = g.reshape(x, [rows, width]);
      const first = g.node('ArgMax', [flat], [rows, 1], { axis: int(1) }, { dtype: 'int64' });
      const isIt = g.equal(g.integers([...Array(width).keys()], [1, width]), first);
      return [g.reshape(g.mul(g.reshape(dy!, [rows, 1]), g.toFactor(isIt)), x.dims)];
    },
  },
};

/** The sums of a CumSum, or of its gradient, which go the other way. */
function cumulated(g: TrainingGraphBuilder, n: TrainedNode, x: Value, backward: boolean): Value {
  const [given] = n.numbers(1) as [number];
  const axis = given < 0 ? given + x.dims.length : given;
  const size = x.dims[axis]!;
  const isReverse = (intAttribute(n.node, 'reverse', 0) !== 0) !== backward;
  const isExclusive = intAttribute(n.node, 'exclusive', 0) !== 0;
  const ones = Float32Array.from({ length: size * size }, (_, i) => {
    const ahead = (Math.floor(i / size) - (i % size)) * (isReverse ? -1 : 1);
    return ahead > 0 || (ahead === 0 && !isExclusive) ? 1 : 0;
  });
  const rows = g.reshape(x, [sizeOf(x.dims.slice(0, axis)), size, sizeOf(x.dims.slice(axis + 1))]);
  return g.reshape(g.matmul(g.table('cumulate', [size, size], ones), rows), x.dims);
}
