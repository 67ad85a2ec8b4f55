import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { UserError } from '../../../../core/errors.ts';
import { floatAttribute } from '../../../../core/onnx/graph.ts';
import { inType } from '../bfloat16/convert.ts';
import { elementTypeOf } from '../bfloat16/element-type.ts';
import { runKernel } from '../kernel.ts';
import { spending } from '../spent.ts';
import { channelsLast, dimsOf, toChannelsLast } from '../value.ts';
import type { TfjsOp } from './op.ts';

/**
 * BatchNormalization as it trains: statistics of the batch, of which the variance is observed unbiased, as the
 * `ort` engine and PyTorch have it.
 *
 * By TensorFlow's fused kernels and not by tf.moments, which autodiff could go through: as separate operations
 * the same takes five times the passes over memory, forward and back.
 */
export const batchNormalization: TfjsOp = (call) => {
  const { tf, node } = call;
  const input = call.unwidened(0);
  const { length } = dimsOf(input);
  if (length !== 4) {
    throw new UserError(
      `${node.name}: training a BatchNormalization of ${length} axes is not supported, only of 4`,
    );
  }
  const attributes = {
    epsilon: floatAttribute(node, 'epsilon', 1e-5),
    data_format: 'NHWC',
    is_training: true,
    U: { type: 'float32' },
  } as const;
  const [type, handed] = [elementTypeOf(tf, input.tensor), call.gradientType(0)];
  const normalize = tf.customGrad((...args) => {
    const [x, scale, shift, save] = args as unknown as [Tensor, Tensor, Tensor, (saved: Tensor[]) => void];
    const none = tf.tensor1d([]);
    const inputs = [x, scale, shift, none, none];
    const forward = { ...attributes, exponential_avg_factor: 1 };
    const [y, mean, variance, ...reserved] = runKernel(tf, 'FusedBatchNormV3', inputs, forward, 6);
    call.observe(node.inputs[3]!, mean!);
    // This output has Bessel's correction; the one in `reserved` has not.
    call.observe(node.inputs[4]!, variance!);
    save([x, scale, ...reserved]);
    const gradFunc = spending(tf, (dy, saved) => {
      const given = [inType(tf, dy, type), ...saved];
      const [dx, dScale, dShift] = runKernel(tf, 'FusedBatchNormGradV3', given, attributes, 5);
      return [inType(tf, dx!, handed), dScale!, dShift!];
    });
    return { value: y!, gradFunc };
  });
  const [scale, shift] = [call.plain(1), call.plain(2)];
  return channelsLast(normalize(toChannelsLast(tf, input), scale, shift));
};
