import { type Dim, intAttribute, intsAttribute } from '../graph.ts';
import { type RuleContext, resolveAxis, type ShapeRule } from './rule.ts';

/** Reductions of opset 15: ReduceSum takes its axes as an input, the others as an attribute. */
const reduce: ShapeRule = (context) => {
  const { dtype, dims } = context.input(0);
  const axes = new Set(axesOf(context).map((axis) => resolveAxis(context, axis, dims.length)));
  const keep = intAttribute(context.node, 'keepdims', 1) !== 0;
  // No axes mean all of them, unless ReduceSum is told otherwise.
  if (axes.size === 0) {
    if (intAttribute(context.node, 'noop_with_empty_axes', 0) !== 0) return [{ dtype, dims }];
    for (const axis of dims.keys()) axes.add(axis);
  }
  const reduced = dims.flatMap((dim, axis): Dim[] => (axes.has(axis) ? (keep ? [1] : []) : [dim]));
  return [{ dtype, dims: reduced }];
};

function axesOf(context: RuleContext): number[] {
  if (context.node.op !== 'ReduceSum') return intsAttribute(context.node, 'axes', []);
  if (!context.optional(1)) return [];
  const axes = context.constantInts(1);
  if (!axes) throw context.error('its axes are computed, only constant axes are supported');
  return axes;
}

const OPS = ['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceL2', 'ReduceSumSquare'];

export const REDUCTION_RULES: Readonly<Record<string, ShapeRule>> = Object.fromEntries(
  OPS.map((op) => [op, reduce]),
);
