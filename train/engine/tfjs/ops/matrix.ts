import type { Tensor2D } from '@tensorflow/tfjs-node-gpu';
import { floatAttribute, intAttribute } from '../../../../core/onnx/graph.ts';
import { plain } from '../value.ts';
import type { TfjsOp } from './op.ts';

/** Gemm: Y = alpha A B + beta C, with A or B transposed. */
export const gemm: TfjsOp = (call) => {
  const { tf, node } = call;
  const transposed = (name: string) => intAttribute(node, name, 0) === 1;
  const [a, b] = [call.plain(0) as Tensor2D, call.plain(1) as Tensor2D];
  const [alpha, beta] = [floatAttribute(node, 'alpha', 1), floatAttribute(node, 'beta', 1)];
  const scaled = (x: Tensor2D, factor: number) => (factor === 1 ? x : tf.mul(x, factor));
  const product = scaled(tf.matMul(a, b, transposed('transA'), transposed('transB')), alpha);
  return plain(call.optional(2) ? tf.add(product, scaled(call.plain(2) as Tensor2D, beta)) : product);
};
