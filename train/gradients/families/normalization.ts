import { float, floatAttribute, int, intAttribute, intsAttribute, sizeOf } from '../../../core/onnx/graph.ts';
import type { Rule, TrainedNode } from '../rule.ts';
import { TRAINING, type TrainingGraphBuilder, type Value } from '../training-graph.ts';

const epsilonOf = ({ node }: TrainedNode): number => floatAttribute(node, 'epsilon', 1e-5);

/** A value a channel, beside [N, C, ...]. */
const perChannel = (g: TrainingGraphBuilder, a: Value, { x }: TrainedNode): Value =>
  g.reshape(a, [x.dims[1]!, ...x.dims.slice(2).map(() => 1)]);

/** Sums over all but the channels: [C]. */
const channelSums = (g: TrainingGraphBuilder, a: Value): Value =>
  g.reduceSum(
    a,
    a.dims.flatMap((_, axis) => (axis === 1 ? [] : [axis])),
  );

/** [N, C, H, W] of any number of axes after the first two. */
const asImages = ({ dims }: Value): number[] =>
  dims.length === 4 ? [...dims] : [dims[0]!, dims[1]!, sizeOf(dims.slice(2)), 1];

/** (x - mean) / std over axes: [normalised, 1 / std]. */
function standardized(
  g: TrainingGraphBuilder,
  x: Value,
  axes: readonly number[],
  epsilon: number,
): [Value, Value] {
  const centred = g.sub(x, g.reduceMean(x, axes, true));
  const variance = g.reduceMean(g.square(centred), axes, true);
  const inverseStd = g.reciprocal(g.sqrt(g.shift(variance, epsilon)));
  return [g.mul(centred, inverseStd), inverseStd];
}

/** The gradient of x for that of the normalised values; without a mean that was taken off its term falls away. */
function standardizedGrad(
  g: TrainingGraphBuilder,
  dy: Value,
  normalized: Value,
  inverseStd: Value,
  axes: readonly number[],
  centred = true,
): Value {
  const along = g.mul(normalized, g.reduceMean(g.mul(dy, normalized), axes, true));
  const rest = g.sub(dy, along);
  return g.mul(inverseStd, centred ? g.sub(rest, g.reduceMean(dy, axes, true)) : rest);
}

const axesFrom = (n: TrainedNode): number[] => {
  const axis = n.axis(-1);
  return n.x.dims.flatMap((_, i) => (i < axis ? [] : [i]));
};

/** Groups of channels of each image, [N, groups, values]; scale and bias are a value a channel, or a group (opset 18). */
function grouped(groupsOf: (n: TrainedNode) => number): Rule {
  const view = ({ x }: TrainedNode, groups: number): number[] => [
    x.dims[0]!,
    groups,
    sizeOf(x.dims.slice(1)) / groups,
  ];
  /** [C] of scale or bias. */
  const ofChannels = (g: TrainingGraphBuilder, a: Value, n: TrainedNode): Value => {
    const channels = n.x.dims[1]!;
    const [count] = a.dims as [number];
    if (count === channels) return a;
    return g.reshape(g.expand(g.reshape(a, [count, 1]), [count, channels / count]), [channels]);
  };
  const toGiven = (g: TrainingGraphBuilder, sums: Value, like: Value): Value => {
    const [count] = like.dims as [number];
    return g.reshape(g.reduceSum(g.reshape(sums, [count, sums.dims[0]! / count]), [1]), [count]);
  };
  return {
    forward(g, n) {
      const { x } = n;
      const [, scale, bias] = n.inputs as [Value, Value, Value];
      const [wide, inverseStd] = standardized(g, g.reshape(x, view(n, groupsOf(n))), [2], epsilonOf(n));
      const normalized = g.reshape(wide, x.dims);
      const scaled = g.mul(normalized, perChannel(g, ofChannels(g, scale, n), n));
      return [g.add(scaled, perChannel(g, ofChannels(g, bias, n), n)), normalized, inverseStd];
    },
    backward(g, n, [dy]) {
      const [, scale, bias] = n.inputs as [Value, Value, Value];
      const [, normalized, inverseStd] = n.outputs as [Value, Value, Value];
      const dims = view(n, groupsOf(n));
      const dNormalized = () => g.reshape(g.mul(dy!, perChannel(g, ofChannels(g, scale, n), n)), dims);
      const dx = () => standardizedGrad(g, dNormalized(), g.reshape(normalized, dims), inverseStd, [2]);
      return [
        n.needs(0) ? g.reshape(dx(), n.x.dims) : undefined,
        n.needs(1) ? toGiven(g, channelSums(g, g.mul(dy!, normalized)), scale) : undefined,
        n.needs(2) ? toGiven(g, channelSums(g, dy!), bias) : undefined,
      ];
    },
  };
}

/** Where they are computed of weights, as of those that a standardised weight has, there is nothing to observe. */
const hasGivenStatistics = (n: TrainedNode): boolean =>
  n.mode.batchNorm === 'frozen' || n.needs(3) || n.needs(4);

/** With the running statistics, as in inference. */
const frozenBatchNorm: Required<Rule> = {
  forward(g, n) {
    const attributes = { epsilon: float(epsilonOf(n)) };
    return [g.node('BatchNormalization', n.inputs, n.x.dims, attributes)];
  },
  backward(g, n, [dy]) {
    const [x, scale, , mean, variance] = n.inputs as [Value, Value, Value, Value, Value];
    const inverseStd = g.reciprocal(g.sqrt(g.shift(variance, epsilonOf(n))));
    const factor = g.mul(scale, inverseStd);
    const sums = [1, 2, 3, 4].some((index) => n.needs(index)) ? channelSums(g, dy!) : undefined;
    const dScale =
      n.needs(1) || n.needs(4)
        ? g.mul(inverseStd, g.sub(channelSums(g, g.mul(dy!, x)), g.mul(mean, sums!)))
        : undefined;
    return [
      n.needs(0) ? g.mul(dy!, perChannel(g, factor, n)) : undefined,
      n.needs(1) ? dScale : undefined,
      n.needs(2) ? sums : undefined,
      n.needs(3) ? g.scale(g.mul(factor, sums!), -1) : undefined,
      n.needs(4) ? g.scale(g.mul(g.mul(factor, inverseStd), dScale!), -0.5) : undefined,
    ];
  },
};

export const NORMALIZATION: Readonly<Record<string, Rule>> = {
  /**
   * https://onnx.ai/onnx/operators/onnx__BatchNormalization.html as it trains (Ioffe and Szegedy 2015,
   * arXiv:1502.03167): statistics of the batch, and running statistics updated as PyTorch does, with the unbiased
   * variance. Frozen, the running statistics are constants.
   */
  BatchNormalization: {
    forward(g, n) {
      if (hasGivenStatistics(n)) return frozenBatchNorm.forward(g, n);
      const dims = asImages(n.x);
      const channels = [dims[1]!];
      const [y, mean, variance, ...saved] = g.nodes(
        'BatchNormInternal',
        [g.reshape(n.x, dims), ...n.inputs.slice(1, 3)],
        [dims, channels, channels, channels, channels] as const,
        { epsilon: float(epsilonOf(n)) },
        { domain: TRAINING },
      );
      const momentum = floatAttribute(n.node, 'momentum', 0.9);
      n.observe(3, mean, momentum);
      n.observe(4, variance, momentum);
      return [g.reshape(y, n.x.dims), ...saved];
    },
    backward(g, n, dy) {
      if (hasGivenStatistics(n)) return frozenBatchNorm.backward(g, n, dy);
      const [x, scale, bias] = n.inputs as [Value, Value, Value];
      const [, mean, inverseStd] = n.outputs;
      const dims = asImages(x);
      const [dx, dScale, dBias] = g.nodes(
        'BatchNormalizationGrad',
        [g.reshape(dy[0]!, dims), g.reshape(x, dims), scale, mean, inverseStd],
        [n.needs(0) ? dims : undefined, scale.dims, bias.dims],
        { epsilon: float(epsilonOf(n)) },
        { domain: TRAINING },
      );
      return [dx && g.reshape(dx, x.dims), dScale, dBias];
    },
  },

  /** https://onnx.ai/onnx/operators/onnx__LayerNormalization.html */
  LayerNormalization: {
    forward(g, n) {
      const statistic = n.x.dims.map((dim, axis) => (axis < n.axis(-1) ? dim : 1));
      const attributes = { axis: int(n.axis(-1)), epsilon: float(epsilonOf(n)) };
      return [
        ...g.nodes('LayerNormalization', n.inputs, [n.x.dims, statistic, statistic] as const, attributes),
      ];
    },
    backward(g, n, [dy]) {
      const [x, scale, bias] = n.inputs as [Value, Value, Value | undefined];
      const [, mean, inverseStd] = n.outputs as [Value, Value, Value];
      const normalized = g.mul(g.sub(x, mean), inverseStd);
      const dScale = n.needs(1) ? g.sumTo(g.mul(dy!, normalized), scale.dims) : undefined;
      const dBias = n.needs(2) ? g.sumTo(dy!, bias!.dims) : undefined;
      const dx = () => standardizedGrad(g, g.mul(dy!, scale), normalized, inverseStd, axesFrom(n));
      return [n.needs(0) ? dx() : undefined, dScale, dBias];
    },
  },

  /** https://onnx.ai/onnx/operators/onnx__RMSNormalization.html */
  RMSNormalization: {
    forward(g, n) {
      const meanSquare = g.reduceMean(g.square(n.x), axesFrom(n), true);
      const inverse = g.reciprocal(g.sqrt(g.shift(meanSquare, epsilonOf(n))));
      const normalized = g.mul(n.x, inverse);
      return [g.mul(normalized, n.inputs[1]!), normalized, inverse];
    },
    backward(g, n, [dy]) {
      const scale = n.inputs[1]!;
      const [, normalized, inverse] = n.outputs as [Value, Value, Value];
      const dx = () => standardizedGrad(g, g.mul(dy!, scale), normalized, inverse, axesFrom(n), false);
      return [
        n.needs(0) ? dx() : undefined,
        n.needs(1) ? g.sumTo(g.mul(dy!, normalized), scale.dims) : undefined,
      ];
    },
  },

  /** https://onnx.ai/onnx/operators/onnx__InstanceNormalization.html */
  InstanceNormalization: grouped(({ x }) => x.dims[1]!),
  /** https://onnx.ai/onnx/operators/onnx__GroupNormalization.html */
  GroupNormalization: grouped(({ node }) => intAttribute(node, 'num_groups', 1)),

  /** https://onnx.ai/onnx/operators/onnx__LpNormalization.html; where the norm is 0 the output is 0, and so is the slope. */
  LpNormalization: {
    forward(g, n) {
      const axes = [n.axis(-1)];
      const isL1 = intAttribute(n.node, 'p', 2) === 1;
      const norm = isL1
        ? g.reduceSum(g.elementwise('Abs', n.x), axes, true)
        : g.sqrt(g.reduceSum(g.square(n.x), axes, true));
      const zero = g.constant(0);
      const inverse = g.where(g.equal(norm, zero), zero, g.reciprocal(norm));
      return [g.mul(n.x, inverse), inverse];
    },
    backward(g, n, [dy]) {
      const [y, inverse] = n.outputs as [Value, Value];
      const isL1 = intAttribute(n.node, 'p', 2) === 1;
      const along = g.reduceSum(g.mul(dy!, y), [n.axis(-1)], true);
      const direction = isL1 ? g.elementwise('Sign', n.x) : y;
      return [g.mul(inverse, g.sub(dy!, g.mul(direction, along)))];
    },
  },
  /**
   * https://onnx.ai/onnx/operators/onnx__LRN.html Of AlexNet and GoogLeNet: x / s^beta of s = bias + alpha / size * sum(x^2) over
   * neighbouring channels. The sum is a 1x1 convolution with a band of ones.
   */
  LRN: {
    forward(g, n) {
      const { bias, alpha, beta, size, band } = neighbours(n);
      const ones = band(g);
      const sums = g.node('Conv', [asImage(g, g.square(n.x)), ones], asImages(n.x));
      const s = g.shift(g.scale(g.reshape(sums, n.x.dims), alpha / size), bias);
      return [g.mul(n.x, g.pow(s, g.constant(-beta))), s, ones];
    },
    backward(g, n, [dy]) {
      const { alpha, beta, size } = neighbours(n);
      const [y, s, ones] = n.outputs as [Value, Value, Value];
      const along = g.div(g.mul(dy!, y), s);
      const sums = g.node('Conv', [asImage(g, along), ones], asImages(n.x));
      const others = g.mul(n.x, g.scale(g.reshape(sums, n.x.dims), (2 * alpha * beta) / size));
      return [g.sub(g.mul(dy!, g.pow(s, g.constant(-beta))), others)];
    },
  },
  /** https://onnx.ai/onnx/operators/onnx__MeanVarianceNormalization.html; where all are alike the output is 0. */
  MeanVarianceNormalization: {
    forward: (g, n) => standardized(g, n.x, meanAxes(n), TINY),
    backward(g, n, [dy]) {
      const [y, inverseStd] = n.outputs as [Value, Value];
      return [standardizedGrad(g, dy!, y, inverseStd, meanAxes(n))];
    },
  },
};

/** The square of what the operator adds to a standard deviation. */
const TINY = 1e-18;

const meanAxes = (n: TrainedNode): number[] =>
  intsAttribute(n.node, 'axes', [0, 2, 3]).map((axis) => (axis < 0 ? axis + n.x.dims.length : axis));

const asImage = (g: TrainingGraphBuilder, a: Value): Value => g.reshape(a, asImages(a));

/** The settings of an LRN, and which channels it sums for which. */
function neighbours(n: TrainedNode) {
  const size = intAttribute(n.node, 'size', 1);
  const channels = n.x.dims[1]!;
  if (size % 2 === 0)
    throw n.refusal(`of an even size, ${size}, is not supported; onnxruntime does not run it either`);
  const reach = (size - 1) / 2;
  /** Its own transpose. */
  const band = (g: TrainingGraphBuilder): Value => {
    const ones = new Float32Array(channels * channels);
    for (let channel = 0; channel < channels; channel++) {
      for (
        let other = Math.max(0, channel - reach);
        other <= Math.min(channels - 1, channel + reach);
        other++
      )
        ones[channel * channels + other] = 1;
    }
    return g.table('neighbours', [channels, channels, 1, 1], ones);
  };
  return {
    bias: floatAttribute(n.node, 'bias', 1),
    alpha: floatAttribute(n.node, 'alpha', 1e-4),
    beta: floatAttribute(n.node, 'beta', 0.75),
    ...{ size, band },
  };
}
