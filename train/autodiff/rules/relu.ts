import { int } from '../../../core/onnx/graph.ts';
import { dataTypeCode } from '../../../core/onnx/tensor-proto.ts';
import type { TrainingRule } from '../rule.ts';
import type { StepBuilder, StepTensor } from '../step-builder.ts';

const FLOAT = dataTypeCode('float32');

export const reluRule: TrainingRule = {
  forward(context, node) {
    context.bind(node.outputs[0]!, context.builder.unary('Relu', context.value(node.inputs[0]!)));
  },

  backward(context, node, gradient) {
    const y = context.value(node.outputs[0]!);
    context.accumulate(node.inputs[0]!, reluGradient(context.builder, y, gradient));
  },
};

/** dY where the ReLU's output `y` is positive, else 0; as in PyTorch the slope at 0 is 0. */
export function reluGradient(b: StepBuilder, y: StepTensor, dy: StepTensor): StepTensor {
  // A comparison and a cast are vectorised and threaded; Sign and Where take four times as long.
  const zero = b.portable ? b.constant(0) : b.after(b.constant([0], [1]), [dy]);
  const positive = b.node('Greater', [y, zero], y.dims, {}, { layout: y.layout });
  const mask = b.node('Cast', [positive], y.dims, { to: int(FLOAT) }, { layout: y.layout });
  return b.mul(dy, mask);
}
