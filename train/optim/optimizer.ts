import type { StepBuilder, StepTensor } from '../lowering/ort/step-builder.ts';

/** The values an update reads: all vectors [P], all scalars []. */
export interface UpdateInputs {
  parameters: StepTensor;
  gradient: StepTensor;
  /** The optimiser's memory, by the names in {@link Optimizer.slots}. */
  slots: Readonly<Record<string, StepTensor>>;
  /** Per-step numbers, by the names that {@link Optimizer.scalars} gives. */
  scalars: Readonly<Record<string, StepTensor>>;
  /** Weight decay of each parameter: a scalar, or [P] where some are exempt; undefined for none. */
  weightDecay: StepTensor | undefined;
}

export interface UpdateOutputs {
  parameters: StepTensor;
  slots: Record<string, StepTensor>;
}

/** An optimiser over the vector of all parameters. */
export interface Optimizer {
  /** Vectors of [P] zeros at the start that it keeps from step to step. */
  readonly slots: readonly string[];
  /**
   * The numbers of a step, worked out in float64.
   * @param step counted from 1
   */
  scalars(learningRate: number, step: number): Record<string, number>;
  /** Emits one update. */
  emit(b: StepBuilder, inputs: UpdateInputs): UpdateOutputs;
}
