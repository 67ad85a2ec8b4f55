import type { Graph } from '../../core/onnx/graph.ts';
import { type OptimizerConfig, stateSlots } from '../optim/config.ts';
import { LOSS_SCALE_SLOT } from '../step/loss-scaling.ts';
import { packVector, type VectorLayout } from '../step/parameter-vector.ts';

/** The state of a training run: every learned value and what the optimiser remembers, as flat vectors. */
export interface TrainingState {
  parameters: Float32Array;
  /** Running statistics of batch normalisation. */
  buffers: Float32Array;
  /** By the names of `stateSlots`: `momentum`, `exp_avg`, `ema`, `loss_scale`, ... */
  slots: Record<string, Float32Array>;
  /** Optimiser steps taken. */
  steps: number;
}

/** The state before the first step: the model's own weights, which the average starts from too; zeros else. */
export function initialState(model: Graph, layout: VectorLayout, optimizer: OptimizerConfig): TrainingState {
  const parameters = packVector(model, layout.parameters);
  const buffers = packVector(model, layout.buffers);
  const initial: Record<string, Float32Array> = { ema: parameters, ema_buffers: buffers };
  if (optimizer.lossScaling) {
    initial[LOSS_SCALE_SLOT] = Float32Array.of(optimizer.lossScaling.initialScale, 0);
  }
  const slots = Object.fromEntries(
    stateSlots(optimizer).map((slot) => [
      slot,
      initial[slot]?.slice() ?? new Float32Array(layout.parameterSize),
    ]),
  );
  return { parameters, buffers, slots, steps: 0 };
}

export function copyState(state: TrainingState): TrainingState {
  return {
    parameters: state.parameters.slice(),
    buffers: state.buffers.slice(),
    slots: Object.fromEntries(Object.entries(state.slots).map(([name, vector]) => [name, vector.slice()])),
    steps: state.steps,
  };
}

/** Two states that change places every step: one is read while the other is written. */
export class AlternatingState {
  #current: TrainingState;
  #next: TrainingState;

  constructor(initial: TrainingState) {
    this.#current = initial;
    this.#next = copyState(initial);
  }

  get current(): TrainingState {
    return this.#current;
  }

  /** Where the step writes; becomes current with {@link advance}. */
  get next(): TrainingState {
    return this.#next;
  }

  advance(steps = 1): void {
    this.#next.steps = this.#current.steps + steps;
    [this.#current, this.#next] = [this.#next, this.#current];
  }

  load(state: TrainingState): void {
    this.#current = copyState(state);
  }
}
