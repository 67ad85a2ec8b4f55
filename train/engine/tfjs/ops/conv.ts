import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { UserError } from '../../../../core/errors.ts';
import { convGeometry, isDense } from '../../../lowering/ort/conv/geometry.ts';
import { inType, widened } from '../bfloat16/convert.ts';
import { conv2d, conv2dGradients } from '../convolution/conv2d.ts';
import { convSetting } from '../convolution/setting.ts';
import { spending } from '../spent.ts';
import { channelsLast, dimsOf, toChannelsLast, toFilter } from '../value.ts';
import type { TfjsOp } from './op.ts';

/**
 * Conv: 2-D, ungrouped, any kernel, stride and explicit padding.
 *
 * With a gradient of its own: that of tfjs knows TensorFlow's two automatic paddings only, and float32.
 */
export const conv: TfjsOp = (call) => {
  const { tf, node, precision } = call;
  const [input, weight, bias] = [call.unwidened(0), call.input(1), call.optional(2)];
  const geometry = convGeometry(node, dimsOf(input), dimsOf(weight));
  if (!isDense(geometry))
    throw new UserError(`${node.name}: training a grouped or dilated Conv is not supported`);
  const setting = convSetting(geometry, precision === 'bf16' ? 'bfloat16' : 'float32', call.trained(0));
  const handed = call.gradientType(0);
  const [x, filter] = [toChannelsLast(tf, input), toFilter(tf, weight)];
  const convolve = tf.customGrad((...args) => {
    const save = args.pop() as unknown as (saved: Tensor[]) => void;
    const { y, saved } = conv2d(tf, setting, x, filter);
    save(saved);
    const gradFunc = spending(tf, (dy, kept) => {
      const { dx, dFilter } = conv2dGradients(tf, setting, kept as typeof saved, dy);
      return dx ? [inType(tf, dx, handed), dFilter] : [dFilter];
    });
    return { value: y, gradFunc };
  });
  const y = setting.wantsInput ? convolve(x, filter) : convolve(filter);
  return channelsLast(bias ? tf.add(widened(tf, y, setting.type), bias.tensor) : y);
};
