import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { floatAttribute, intAttribute, sizeOf } from '../../../../core/onnx/graph.ts';
import { TRAINING } from '../../../gradients/training-graph.ts';
import type { Kernels } from '../kernels.ts';
import type { OperatorCall, TfjsOperator } from '../operator.ts';
import { dimsOf, plain, toPlain } from '../value.ts';

/**
 * Multiply-adds from which a product is in bfloat16 where convolutions are: of a transformer's layers all, as PyTorch's
 * autocast has it, of a convolutional net's head, which gives the scores, not that of few classes.
 */
const LARGE = 1e7;

/** Whether a product's factors are rounded to bfloat16; its sums are float32, and the result is rounded once. */
function isHalf({ precision, inputs }: OperatorCall, turned: boolean): boolean {
  if (precision !== 'bf16') return false;
  const [a, b] = [dimsOf(inputs[0]!), dimsOf(inputs[1]!)];
  const inner = a.at(turned ? -2 : -1) ?? 1;
  const batch = Math.max(sizeOf(a.slice(0, -2)), sizeOf(b.slice(0, -2)));
  const [rows, columns] = [a, b].map((dims) => sizeOf(dims.slice(-2)) / inner) as [number, number];
  return batch * rows * inner * columns >= LARGE;
}

/** The product of inputs 0 and 1, perhaps in bfloat16. */
function product(call: OperatorCall, transA = false, transB = false): Tensor {
  const { k, inputs } = call;
  const isRounded = isHalf(call, transA);
  const operand = (index: number) =>
    isRounded ? k.cast(toPlain(k, inputs[index]!), 'bfloat16') : call.plain(index);
  return matmul(k, operand(0), operand(1), transA, transB);
}

const isTurned = ({ node }: OperatorCall, name: string) => intAttribute(node, name, 0) === 1;

/** A product of the last two axes, the others broadcast, as numpy has it. */
function matmul(k: Kernels, a: Tensor, b: Tensor, transA = false, transB = false): Tensor {
  if (a.rank === 2 && b.rank === 2)
    return k.run('MatMul', [a, b], { transpose_a: transA, transpose_b: transB });
  if (a.rank > 2 && b.rank === 2 && !transA) {
    // One product of all rows.
    const rows = k.reshape(a, [a.size / a.shape.at(-1)!, a.shape.at(-1)!]);
    const y = k.run('MatMul', [rows, b], { transpose_a: false, transpose_b: transB });
    return k.reshape(y, [...a.shape.slice(0, -1), y.shape[1]!]);
  }
  const [left, right] = [
    a.rank === 1 ? k.reshape(a, [1, a.shape[0]!]) : a,
    b.rank === 1 ? k.reshape(b, [b.shape[0]!, 1]) : b,
  ];
  const y = k.run('BatchMatMulV2', [left, right], { adj_x: transA, adj_y: transB });
  if (a.rank > 1 && b.rank > 1) return y;
  const kept = y.shape.filter(
    (_, axis) => !((a.rank === 1 && axis === y.rank - 2) || (b.rank === 1 && axis === y.rank - 1)),
  );
  return k.reshape(y, kept);
}

/** Gemm: Y = alpha A B + beta C, with A or B transposed. */
const gemm: TfjsOperator = (call) => {
  const { k, node } = call;
  const scaled = (x: Tensor, name: string) => {
    const factor = floatAttribute(node, name, 1);
    return factor === 1 ? x : k.mul(k.cast(x, 'float32'), factor);
  };
  const y = scaled(product(call, isTurned(call, 'transA'), isTurned(call, 'transB')), 'alpha');
  return plain(call.inputs[2] ? k.add(k.cast(y, 'float32'), scaled(call.plain(2), 'beta')) : y);
};

export const MATRIX: Readonly<Record<string, TfjsOperator>> = {
  Gemm: gemm,
  MatMul: (call) => plain(product(call)),
  [`${TRAINING}.FusedMatMul`]: (call) =>
    plain(product(call, isTurned(call, 'transA'), isTurned(call, 'transB'))),
};
