import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { spending } from '../spent.ts';
import { channelsLast, toChannelsLast } from '../value.ts';
import type { TfjsOp } from './op.ts';

/** With a gradient of its own: that of tfjs's mean fills an image of ones in JavaScript in every step. */
export const globalAveragePool: TfjsOp = ({ tf, input }) => {
  const pool = tf.customGrad((...args) => {
    const [x] = args as unknown as [Tensor];
    const { shape } = x;
    const pixels = shape[1]! * shape[2]!;
    const gradFunc = spending(tf, (dy) => [tf.tile(tf.div(dy, pixels), [1, shape[1]!, shape[2]!, 1])]);
    return { value: tf.mean(x, [1, 2], true), gradFunc };
  });
  return channelsLast(pool(toChannelsLast(tf, input(0))));
};
