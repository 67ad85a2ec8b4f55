import { channelSum } from '../channels.ts';
import { convolve } from '../conv/convolve.ts';
import { type ConvGeometry, convGeometry } from '../conv/geometry.ts';
import { convInputGradient } from '../conv/input-gradient.ts';
import { convWeightGradient } from '../conv/weight-gradient.ts';
import type { TrainingRule } from '../rule.ts';

/** Conv: 2-D, ungrouped, any kernel, stride and explicit padding. */
export const convRule: TrainingRule = {
  forward(context, node) {
    const [x, weight, bias] = node.inputs.map((name) => context.optionalValue(name));
    const geometry = convGeometry(node, x!.dims, weight!.dims);
    context.save(node, geometry);
    context.bind(
      node.outputs[0]!,
      convolve(context.builder, x!, weight!, bias, geometry.stride, geometry.pads),
    );
  },

  backward(context, node, gradient) {
    const b = context.builder;
    const [x, weight, bias] = node.inputs as [string, string, string | undefined];
    const geometry = context.saved<ConvGeometry>(node);
    if (context.needsGradient(weight)) {
      context.accumulate(weight, convWeightGradient(b, geometry, context.value(x), gradient));
    }
    if (bias && context.needsGradient(bias)) context.accumulate(bias, channelSum(b, gradient));
    if (context.needsGradient(x)) {
      context.accumulate(x, convInputGradient(b, geometry, context.value(weight), gradient));
    }
  },
};
