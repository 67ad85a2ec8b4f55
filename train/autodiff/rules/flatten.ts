import { intAttribute, sizeOf } from '../../../core/onnx/graph.ts';
import type { TrainingRule } from '../rule.ts';

export const flattenRule: TrainingRule = {
  forward(context, node) {
    const b = context.builder;
    const x = b.toPlain(context.value(node.inputs[0]!));
    const axis = intAttribute(node, 'axis', 1);
    const split = axis < 0 ? axis + x.dims.length : axis;
    const dims = [sizeOf(x.dims.slice(0, split)), sizeOf(x.dims.slice(split))];
    context.bind(node.outputs[0]!, b.reshape(x, dims));
  },

  backward(context, node, gradient) {
    const x = context.value(node.inputs[0]!);
    context.accumulate(node.inputs[0]!, context.builder.reshape(gradient, x.dims));
  },
};
