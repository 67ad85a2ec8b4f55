import { spatialMean, spreadOverPixels } from '../channels.ts';
import type { TrainingRule } from '../rule.ts';

export const globalAveragePoolRule: TrainingRule = {
  forward(context, node) {
    context.bind(node.outputs[0]!, spatialMean(context.builder, context.value(node.inputs[0]!)));
  },

  backward(context, node, gradient) {
    const b = context.builder;
    const x = context.value(node.inputs[0]!);
    const share = b.div(b.toPlain(gradient), b.constant(x.dims[2]! * x.dims[3]!));
    context.accumulate(node.inputs[0]!, spreadOverPixels(b, share, x));
  },
};
