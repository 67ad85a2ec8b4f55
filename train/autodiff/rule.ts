import type { GraphNode } from '../../core/onnx/graph.ts';
import type { DifferentiationContext } from './context.ts';
import type { StepTensor } from './step-builder.ts';

/**
 * How one operator takes part in training. `forward` emits the operator as it acts while training and binds
 * its output; `backward` is given the loss's gradient with respect to that output and adds the gradients of
 * the inputs that need one.
 */
export interface TrainingRule {
  forward(context: DifferentiationContext, node: GraphNode): void;
  backward(context: DifferentiationContext, node: GraphNode, gradient: StepTensor): void;
}
