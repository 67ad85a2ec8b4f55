import { float, int } from '../../../core/onnx/graph.ts';
import { dataTypeCode } from '../../../core/onnx/tensor-proto.ts';
import type { TrainingRule } from '../rule.ts';
import type { StepBuilder, StepTensor } from '../step-builder.ts';

const FLOAT = dataTypeCode('float32');
/** Times the smallest normal float32 it is above 1. */
const LARGE = 1e38;

export const reluRule: TrainingRule = {
  forward(context, node) {
    const y = context.builder.unary('Relu', context.value(node.inputs[0]!));
    context.save(node, reluMask(context.builder, y));
    context.bind(node.outputs[0]!, y);
  },

  backward(context, node, gradient) {
    context.accumulate(node.inputs[0]!, context.builder.mul(gradient, context.saved<StepTensor>(node)));
  },
};

/**
 * 1 where a ReLU's output `y` is positive, else 0: as in PyTorch the slope at 0 is 0. To be emitted in the
 * forward pass: of two factors onnxruntime computes the one emitted later first, and the mask is to wait for
 * the gradient, not to be kept from the forward pass on.
 */
export function reluMask(b: StepBuilder, y: StepTensor): StepTensor {
  if (b.portable) {
    const positive = b.node('Greater', [y, b.constant(0)], y.dims, {}, { layout: y.layout });
    return b.node('Cast', [positive], y.dims, { to: int(FLOAT) }, { layout: y.layout });
  }
  // min(1, LARGE y) in one pass; a comparison and a cast are two, Sign and Where slower still.
  return b.node('HardSigmoid', [y], y.dims, { alpha: float(LARGE), beta: float(0) }, { layout: y.layout });
}
