import { UserError } from '../../core/errors.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import { DifferentiationContext } from './context.ts';
import { fuseForTraining } from './fuse.ts';
import type { TrainingRule } from './rule.ts';
import { TRAINING_RULES } from './rules/index.ts';
import type { StepBuilder, StepTensor } from './step-builder.ts';

/** The forward pass of a graph, emitted in training mode, ready to be run backwards. */
export interface ForwardPass {
  /** The step graph's tensor for a value of the forward graph. */
  value(name: string): StepTensor;
  /** Running statistics to update, by initializer name. */
  bufferUpdates: DifferentiationContext['bufferUpdates'];
  /**
   * Emits the backward pass.
   * @param seeds the loss's gradient with respect to forward values (usually one: the logits)
   * @param again values to be read instead of those of the forward pass, so that those need not be kept
   * @returns the gradient of each of `wanted`
   */
  backward(
    seeds: ReadonlyMap<string, StepTensor>,
    wanted: readonly string[],
    again?: ReadonlyMap<string, StepTensor>,
  ): Map<string, StepTensor>;
}

/**
 * Reverse-mode differentiation of an ONNX graph (Griewank and Walther, "Evaluating Derivatives", 2008,
 * chapter 3): emits the forward nodes through their training rules, then the rules' gradients in reverse.
 * @param values step tensors of the graph's inputs and initializers
 * @param wanted the inputs and initializers that gradients are needed for
 * @throws UserError if an operator has no training rule
 */
export function emitForward(
  builder: StepBuilder,
  graph: Graph,
  values: ReadonlyMap<string, StepTensor>,
  wanted: readonly string[],
): ForwardPass {
  const context = new DifferentiationContext(builder);
  for (const [name, tensor] of values) context.bind(name, tensor);
  for (const name of wanted) context.requireGradient(name);
  // Before anything is emitted: an operator that cannot be trained is the first thing to say.
  for (const node of graph.nodes) ruleOf(node.op);
  const nodes = fuseForTraining(graph).nodes;
  for (const node of nodes) {
    if (node.inputs.some((name) => context.needsGradient(name))) {
      for (const output of node.outputs) context.requireGradient(output);
    }
    ruleOf(node.op).forward(context, node);
  }
  return {
    value: (name) => context.value(name),
    bufferUpdates: context.bufferUpdates,
    backward(seeds, targets, again = new Map()) {
      builder.startBackward();
      for (const [name, tensor] of again) context.bind(name, tensor);
      for (const [name, gradient] of seeds) context.accumulate(name, gradient);
      for (const node of nodes.toReversed()) {
        const gradient = context.gradient(node.outputs[0]!);
        if (gradient) ruleOf(node.op).backward(context, node, gradient);
      }
      return new Map(
        targets.map((name) => {
          const gradient = context.gradient(name);
          if (!gradient) throw new Error(`the loss does not depend on "${name}"`);
          return [name, builder.toPlain(gradient)];
        }),
      );
    },
  };
}

function ruleOf(op: string): TrainingRule {
  const rule = TRAINING_RULES.get(op);
  if (!rule) {
    throw new UserError(
      `the operator ${op} cannot be trained; those that can: ${[...TRAINING_RULES.keys()].join(', ')}`,
    );
  }
  return rule;
}
