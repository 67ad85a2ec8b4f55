import { UserError } from '../../../core/errors.ts';
import { floatAttribute, type GraphNode, sizeOf } from '../../../core/onnx/graph.ts';
import { channelAffine, channelSquareSum, channelSum } from '../channels.ts';
import type { DifferentiationContext } from '../context.ts';
import type { TrainingRule } from '../rule.ts';
import type { StepTensor } from '../step-builder.ts';
import { reluMask } from './relu.ts';

interface Saved {
  mean: StepTensor;
  inverseStd: StepTensor;
  scale: StepTensor;
  /** Of the fused ReLU; if it has one but no mask here, the output is computed again. */
  mask?: StepTensor;
}

/**
 * BatchNormalization as it trains (Ioffe and Szegedy 2015, arXiv:1502.03167): statistics of the batch, and
 * running statistics updated as PyTorch does, with the unbiased variance. The rule also serves the fused
 * `relu(batchNorm(x) (+ residual))` that `fuseForTraining` makes, whose residual is input 5.
 */
export const batchNormalizationRule: TrainingRule = {
  forward(context, node) {
    const b = context.builder;
    const x = context.value(node.inputs[0]!);
    if (x.dims.length !== 4) {
      throw new UserError(
        `${node.name}: training a BatchNormalization of ${x.dims.length} axes is not supported, only of 4`,
      );
    }
    const [gamma, beta] = [context.value(node.inputs[1]!), context.value(node.inputs[2]!)];
    const count = sizeOf(x.dims) / x.dims[1]!;
    const mean = b.div(channelSum(b, x), b.constant(count));
    const meanSquare = b.div(channelSquareSum(b, x), b.constant(count));
    // E[x^2] - E[x]^2 saves a pass over memory; rounding may leave it just below zero.
    const variance = b.unary('Relu', b.sub(meanSquare, b.mul(mean, mean)));
    const epsilon = b.constant(floatAttribute(node, 'epsilon', 1e-5));
    const inverseStd = b.unary('Reciprocal', b.unary('Sqrt', b.add(variance, epsilon)));
    const scale = b.mul(gamma, inverseStd);
    const shift = b.sub(beta, b.mul(mean, scale));
    updateRunningStatistics(context, node, mean, b.mul(variance, b.constant(count / Math.max(1, count - 1))));
    const residual = node.inputs[5] ? { add: b.toLayout(context.value(node.inputs[5]), x.layout) } : {};
    const y = channelAffine(b, x, scale, shift, { ...residual, relu: isFused(node) });
    context.bind(node.outputs[0]!, y);
    if (isFused(node) && !node.inputs[5] && y.layout === 'blocked') {
      context.computeAgain(node.outputs[0]!, (gradient) =>
        channelAffine(b, x, b.after(scale, [gradient]), shift, { relu: true }),
      );
      context.save(node, { mean, inverseStd, scale } satisfies Saved);
      return;
    }
    const mask = isFused(node) ? { mask: reluMask(b, y) } : {};
    context.save(node, { mean, inverseStd, scale, ...mask } satisfies Saved);
  },

  backward(context, node, gradient) {
    const b = context.builder;
    const x = context.value(node.inputs[0]!);
    const { mean, inverseStd, scale, mask } = context.saved<Saved>(node);
    const again = () => reluMask(b, context.valueAgain(node.outputs[0]!, gradient));
    const dy = isFused(node) ? b.mul(gradient, mask ?? again()) : gradient;
    if (node.inputs[5]) context.accumulate(node.inputs[5], dy);
    const count = b.constant(sizeOf(x.dims) / x.dims[1]!);
    const sumDy = channelSum(b, dy);
    const dGamma = b.mul(inverseStd, b.sub(channelSum(b, b.mul(dy, x)), b.mul(mean, sumDy)));
    context.accumulate(node.inputs[1]!, dGamma);
    context.accumulate(node.inputs[2]!, sumDy);
    if (!context.needsGradient(node.inputs[0]!)) return;
    // dX = scale (dY - mean(dY) - xhat mean(dY xhat)) = scale dY + slope x + offset, a line a channel.
    const slope = b.unary('Neg', b.div(b.mul(b.mul(scale, inverseStd), dGamma), count));
    const offset = b.unary('Neg', b.add(b.div(b.mul(scale, sumDy), count), b.mul(slope, mean)));
    const line = channelAffine(b, x, slope, context.afterWeightGradients(offset));
    const zero = b.constant(new Array<number>(x.dims[1]!).fill(0), [x.dims[1]!]);
    context.accumulate(node.inputs[0]!, channelAffine(b, dy, scale, zero, { add: line }));
  },
};

/** The domain of the fused operator; it exists only between `fuseForTraining` and the rules. */
export const FUSED_DOMAIN = 'training.fused';

function isFused(node: GraphNode): boolean {
  return node.domain === FUSED_DOMAIN;
}

function updateRunningStatistics(
  context: DifferentiationContext,
  node: GraphNode,
  mean: StepTensor,
  unbiasedVariance: StepTensor,
): void {
  const momentum = floatAttribute(node, 'momentum', 0.9);
  context.bufferUpdates.set(node.inputs[3]!, { observed: mean, momentum });
  context.bufferUpdates.set(node.inputs[4]!, { observed: unbiasedVariance, momentum });
}
