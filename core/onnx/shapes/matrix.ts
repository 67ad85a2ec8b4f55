import { type Dim, intAttribute } from '../graph.ts';
import { broadcast } from './broadcast.ts';
import { compatible, formatDims, type RuleContext, requireRank, type ShapeRule } from './rule.ts';

/** Gemm: [M, K] by [K, N], either of them transposed if its attribute says so, to [M, N]. */
const gemm: ShapeRule = (context) => {
  const { dtype } = context.input(0);
  const matrix = (index: number, transposed: string): Dim[] => {
    const dims = requireRank(context, index, 2);
    return intAttribute(context.node, transposed, 0) === 0 ? dims : [dims[1]!, dims[0]!];
  };
  const [m, k] = matrix(0, 'transA');
  const [otherK, n] = matrix(1, 'transB');
  checkInner(context, k!, otherK!);
  const dims = [m!, n!];
  const c = context.optional(2)?.dims;
  if (
    c &&
    (c.length > 2 || !broadcast(context, dims, c).every((dim, axis) => compatible(dim, dims[axis]!)))
  ) {
    throw context.error(`its input 2, ${formatDims(c)}, does not broadcast to ${formatDims(dims)}`);
  }
  return [{ dtype, dims }];
};

/** MatMul as numpy's: batches broadcast; a vector is a row on the left and a column on the right. */
const matMul: ShapeRule = (context) => {
  const { dtype } = context.input(0);
  const a = requireRank(context, 0, 1, false);
  const b = requireRank(context, 1, 1, false);
  const k = a.at(-1)!;
  checkInner(context, k, b.length === 1 ? b[0]! : b.at(-2)!);
  const batch = broadcast(context, a.slice(0, -2), b.slice(0, -2));
  const rows = a.length === 1 ? [] : [a.at(-2)!];
  const columns = b.length === 1 ? [] : [b.at(-1)!];
  return [{ dtype, dims: [...batch, ...rows, ...columns] }];
};

function checkInner(context: RuleContext, k: Dim, otherK: Dim): void {
  if (compatible(k, otherK)) return;
  const [a, b] = [context.input(0).dims, context.input(1).dims];
  throw context.error(`${formatDims(a)} and ${formatDims(b)} do not multiply: ${k} is not ${otherK}`);
}

export const MATRIX_RULES: Readonly<Record<string, ShapeRule>> = { Gemm: gemm, MatMul: matMul };
