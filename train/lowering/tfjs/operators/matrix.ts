import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { floatAttribute, intAttribute } from '../../../../core/onnx/graph.ts';
import { TRAINING } from '../../../gradients/training-graph.ts';
import type { Kernels } from '../kernels.ts';
import type { OperatorCall, TfjsOperator } from '../operator.ts';
import { plain } from '../value.ts';

const isTurned = ({ node }: OperatorCall, name: string) => intAttribute(node, name, 0) === 1;

/** A product of the last two axes, the others broadcast, as numpy has it. */
function matmul(k: Kernels, a: Tensor, b: Tensor, transA = false, transB = false): Tensor {
  if (a.rank === 2 && b.rank === 2)
    return k.run('MatMul', [a, b], { transpose_a: transA, transpose_b: transB });
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
    return factor === 1 ? x : k.mul(x, factor);
  };
  const y = matmul(k, call.plain(0), call.plain(1), isTurned(call, 'transA'), isTurned(call, 'transB'));
  const product = scaled(y, 'alpha');
  return plain(call.inputs[2] ? k.add(product, scaled(call.plain(2), 'beta')) : product);
};

export const MATRIX: Readonly<Record<string, TfjsOperator>> = {
  Gemm: gemm,
  MatMul: ({ k, plain: operand }) => plain(matmul(k, operand(0), operand(1))),
  [`${TRAINING}.FusedMatMul`]: (call) =>
    plain(matmul(call.k, call.plain(0), call.plain(1), isTurned(call, 'transA'), isTurned(call, 'transB'))),
};
