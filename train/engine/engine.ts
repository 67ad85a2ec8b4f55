import type { Graph } from '../../core/onnx/graph.ts';
import type { Stage } from '../progressive/stages.ts';
import type { TrainingState } from '../state.ts';

/** What one optimiser step takes. */
export interface StepInput {
  /** [batch, 3, H, W], normalised */
  images: Float32Array;
  /** [batch, classes], a distribution an image */
  targets: Float32Array;
  learningRate: number;
}

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
  /** How many steps it takes in one call of {@link steps}; absent: it has no such call. */
  readonly stepsPerCall?: number;
  /** 1 to `stepsPerCall` steps in a row, which change the state as calls of {@link step} do. */
  steps?(inputs: readonly StepInput[]): Promise<StepResult[]>;
  /** The present state, once it is brought from the device; a view that a later step may overwrite. */
  readonly state: TrainingState | Promise<TrainingState>;
  /** Replaces the state with a copy of the given one. */
  load(state: TrainingState): void;
  /**
   * A frozen part of the net that comes before what is trained: present, a step takes what it gives of the images in their
   * place. It may change with {@link enter}.
   */
  readonly front?: Graph | undefined;
  /** Why no such part is left out of the steps though there is one that is frozen, as the end of a sentence. */
  readonly frontRemains?: string | undefined;
  /** Goes on with images of another size, or with other weights frozen; absent: they cannot change. */
  enter?(stage: Stage): Promise<void>;
  close(): Promise<void>;
}
