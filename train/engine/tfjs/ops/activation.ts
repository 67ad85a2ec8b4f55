import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../../../core/tensorflow/load-tfjs.ts';
import { inType } from '../bfloat16/convert.ts';
import { elementTypeOf } from '../bfloat16/element-type.ts';
import { runKernel } from '../kernel.ts';
import { spending } from '../spent.ts';
import type { TfjsOp } from './op.ts';

/** An elementwise function of one tensor, in whichever layout it lies. */
const unary =
  (apply: (tf: TensorFlow, x: Tensor) => Tensor): TfjsOp =>
  ({ tf, input }) => {
    const { tensor, layout } = input(0);
    return { tensor: apply(tf, tensor), layout };
  };

/** With TensorFlow's own gradient: that of tfjs has six operations, some a hundred times slower. */
export const relu: TfjsOp = ({ tf, unwidened, gradientType }) => {
  const { tensor, layout } = unwidened(0);
  const [type, handed] = [elementTypeOf(tf, tensor), gradientType(0)];
  const rectify = tf.customGrad((...args) => {
    const [x, save] = args as unknown as [Tensor, (saved: Tensor[]) => void];
    const [y] = runKernel(tf, 'Relu', [x]);
    save([y!]);
    const gradFunc = spending(tf, (dy, saved) => {
      const [dx] = runKernel(tf, 'ReluGrad', [inType(tf, dy, type), ...saved]);
      return [inType(tf, dx!, handed)];
    });
    return { value: y!, gradFunc };
  });
  return { tensor: rectify(tensor), layout };
};

export const sigmoid = unary((tf, x) => tf.sigmoid(x));
export const sqrt = unary((tf, x) => tf.sqrt(x));
export const negate = unary((tf, x) => tf.neg(x));
export const identity: TfjsOp = ({ input }) => input(0);
