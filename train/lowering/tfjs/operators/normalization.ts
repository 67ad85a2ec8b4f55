import { floatAttribute, type GraphNode, intAttribute, sizeOf } from '../../../../core/onnx/graph.ts';
import { TRAINING } from '../../../gradients/training-graph.ts';
import type { TfjsOperator } from '../operator.ts';
import { channelsLast, dimsOf, plain, toChannelsLast, toPlain, type Value } from '../value.ts';

const epsilonOf = (node: GraphNode) => floatAttribute(node, 'epsilon', 1e-5);

const fused = (node: GraphNode, isTraining = true) =>
  ({
    epsilon: epsilonOf(node),
    data_format: 'NHWC',
    is_training: isTraining,
    U: { type: 'float32' },
  }) as const;

/** By TensorFlow's fused kernels: as separate operations the same takes five times the passes over memory. */
const batchNormInternal: TfjsOperator = (call) => {
  const { k, node } = call;
  const none = k.tf.tensor1d([]);
  const x = toChannelsLast(k, call.inputs[0]!);
  const inputs = [x, call.plain(1), call.plain(2), none, none];
  const attributes = { ...fused(node), exponential_avg_factor: 1 };
  // The variance has Bessel's correction; what is saved for the gradient has not, and on a GPU is something else.
  const [y, mean, variance, ...saved] = k.all('FusedBatchNormV3', 6, inputs, attributes);
  return [
    channelsLast(y!),
    plain(mean!),
    plain(variance!),
    plain(saved[0]!),
    { ...plain(saved[1]!), reserve: saved[2]! },
  ];
};

/** In the type of the forward pass. */
const batchNormalizationGrad: TfjsOperator = (call) => {
  const { k, node, inputs } = call;
  const [gradient, input, , , saved] = inputs as [Value, Value, Value, Value, Value];
  const x = toChannelsLast(k, input);
  const dy = k.cast(toChannelsLast(k, gradient), k.typeOf(x));
  const given = [dy, x, call.plain(2), call.plain(3), saved.tensor, saved.reserve!];
  const [dx, dScale, dBias] = k.all('FusedBatchNormGradV3', 5, given, fused(node));
  return [channelsLast(dx!), plain(dScale!), plain(dBias!)];
};

/** With running statistics, as in inference; [N, C, ...] of any number of axes. */
const batchNormalization: TfjsOperator = (call) => {
  const { k, node } = call;
  const [given] = call.inputs as [Value];
  const dims = dimsOf(given);
  const images = [dims[0]!, dims[1]!, sizeOf(dims.slice(2)), 1];
  const x = toChannelsLast(k, dims.length === 4 ? given : plain(k.reshape(call.plain(0), images)));
  const inputs = [x, ...[1, 2, 3, 4].map((index) => call.plain(index))];
  const y = channelsLast(k.all('FusedBatchNormV3', 6, inputs, fused(node, false))[0]!);
  return dims.length === 4 ? y : plain(k.reshape(toPlain(k, y), dims));
};

/** Over the axes from one on; its second and third output are mean and 1 / standard deviation. */
const layerNormalization: TfjsOperator = (call) => {
  const { k, node } = call;
  const x = call.plain(0);
  const axis = intAttribute(node, 'axis', -1);
  const first = axis < 0 ? axis + x.rank : axis;
  const axes = x.shape.flatMap((_, i) => (i < first ? [] : [i]));
  const mean = k.reduce('Mean', x, axes);
  const centred = k.sub(x, mean);
  const variance = k.reduce('Mean', k.run('Square', [centred]), axes);
  const inverseStd = k.run('Rsqrt', [k.add(variance, epsilonOf(node))]);
  const scaled = k.mul(k.mul(centred, inverseStd), call.plain(1));
  const y = call.inputs[2] ? k.add(scaled, call.plain(2)) : scaled;
  return [plain(y), plain(mean), plain(inverseStd)];
};

export const NORMALIZATION: Readonly<Record<string, TfjsOperator>> = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  [`${TRAINING}.BatchNormInternal`]: batchNormInternal,
  [`${TRAINING}.BatchNormalizationGrad`]: batchNormalizationGrad,
};
