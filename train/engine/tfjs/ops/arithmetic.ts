import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../../../core/tensorflow/load-tfjs.ts';
import { handedOn } from '../bfloat16/convert.ts';
import { elementTypeOf } from '../bfloat16/element-type.ts';
import { runKernel } from '../kernel.ts';
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

const addBroadcast = binary((tf, x, y) => tf.add(x, y));

/**
 * Tensors of one shape and layout with a gradient of its own: that of tfjs saves both, of which it reads the shapes.
 */
export const add: TfjsOp = (call) => {
  const { tf, unwidened, gradientType } = call;
  const terms = [unwidened(0), unwidened(1)] as const;
  const [{ tensor: a, layout }, { tensor: b }] = terms;
  const isSameShape = tf.util.arraysEqual(a.shape, b.shape);
  if (layout !== terms[1].layout || !isSameShape || elementTypeOf(tf, a) !== elementTypeOf(tf, b)) {
    return addBroadcast(call);
  }
  const handed = [gradientType(0), gradientType(1)];
  const sum = tf.customGrad((...args) => ({
    value: runKernel(tf, 'AddV2', args.slice(0, 2) as Tensor[])[0]!,
    gradFunc: spending(tf, (dy) => handed.map((type) => handedOn(tf, dy, type))),
  }));
  return { tensor: sum(a, b), layout };
};

export const subtract = binary((tf, x, y) => tf.sub(x, y));
export const multiply = binary((tf, x, y) => tf.mul(x, y));
export const divide = binary((tf, x, y) => tf.div(x, y));
/** Min of two. */
export const minimum = binary((tf, x, y) => tf.minimum(x, y));
