import type { TrainingState } from './state.ts';

/** One optimiser step's outcome. */
export interface StepResult {
  /** Mean loss of the batch before the update, in nats. */
  loss: number;
  /** [batch, classes]; valid until the next step. */
  logits: Float32Array;
}

/** Runs training steps. One engine is one device; every engine gives the same results. */
export interface TrainingEngine {
  readonly name: string;
  /**
   * One optimiser step.
   * @param images [batch, 3, H, W], normalised
   * @param targets [batch, classes], a distribution an image
   */
  step(images: Float32Array, targets: Float32Array, learningRate: number): Promise<StepResult>;
  /** The present state; a view that a later step may overwrite. */
  readonly state: TrainingState;
  /** Replaces the state with a copy of the given one. */
  load(state: TrainingState): void;
  close(): Promise<void>;
}
