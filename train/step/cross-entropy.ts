import { int, ints } from '../../core/onnx/graph.ts';
import type { StepBuilder, StepTensor } from '../lowering/ort/step-builder.ts';

/**
 * Softmax cross-entropy of logits [N, K] with target distributions [N, K] (one-hot, smoothed or mixed),
 * averaged over the batch as PyTorch's CrossEntropyLoss does.
 * @returns the scalar loss, and its gradient with respect to the logits, (softmax * sum(target) - target) / N
 */
export function crossEntropy(
  b: StepBuilder,
  logits: StepTensor,
  targets: StepTensor,
): { loss: StepTensor; gradient: StepTensor } {
  const batch = b.constant(logits.dims[0]!);
  const logProbabilities = logSoftmax(b, logits);
  const total = b.reduceSum(b.mul(targets, logProbabilities), [0, 1]);
  const loss = b.unary('Neg', b.div(total, batch));
  const mass = b.reduceSum(targets, [1], true);
  const gradient = b.div(b.sub(b.mul(b.unary('Exp', logProbabilities), mass), targets), batch);
  return { loss, gradient };
}

/** Over the classes of [N, K]. */
function logSoftmax(b: StepBuilder, logits: StepTensor): StepTensor {
  if (!b.portable) return b.node('LogSoftmax', [logits], logits.dims, { axis: int(1) });
  const attributes = { axes: ints([1]), keepdims: int(1) };
  const largest = b.node('ReduceMax', [logits], [logits.dims[0]!, 1], attributes);
  const shifted = b.sub(logits, largest);
  const total = b.reduceSum(b.unary('Exp', shifted), [1], true);
  return b.sub(shifted, b.unary('Log', total));
}
