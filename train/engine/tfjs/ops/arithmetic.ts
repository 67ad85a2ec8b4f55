import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../../../core/tensorflow/load-tfjs.ts';
import { spending } from '../spent.ts';
import { channelsLast, plain, toChannelsLast } from '../value.ts';
import type { TfjsOp } from './op.ts';

/** An elementwise function of two tensors with numpy's broadcasting, which is ONNX's and TensorFlow's too. */
const binary =
  (apply: (tf: TensorFlow, x: Tensor, y: Tensor) => Tensor): TfjsOp =>
  ({ tf, input }) => {
    const [x, y] = [input(0), input(1)];
    if (x.layout === 'plain' && y.layout === 'plain') return plain(apply(tf, x.tensor, y.tensor));
    return channelsLast(apply(tf, toChannelsLast(tf, x), toChannelsLast(tf, y)));
  };

export const add = binary((tf, x, y) => (isSameShape(x, y) ? addAlike(tf, x, y) : tf.add(x, y)));
export const subtract = binary((tf, x, y) => tf.sub(x, y));
export const multiply = binary((tf, x, y) => tf.mul(x, y));
export const divide = binary((tf, x, y) => tf.div(x, y));
/** Min of two. */
export const minimum = binary((tf, x, y) => tf.minimum(x, y));

/** With a gradient of its own: that of tfjs saves both terms, of which it reads the shapes. */
function addAlike(tf: TensorFlow, a: Tensor, b: Tensor): Tensor {
  const sum = tf.customGrad((...args) => {
    const [x, y] = args as Tensor[];
    return { value: tf.add(x!, y!), gradFunc: spending(tf, (dy) => [dy.clone(), dy.clone()]) };
  });
  return sum(a, b);
}

function isSameShape(x: Tensor, y: Tensor): boolean {
  return x.rank === y.rank && x.shape.every((length, axis) => length === y.shape[axis]);
}
