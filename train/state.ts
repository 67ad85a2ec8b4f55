import { type Graph, sizeOf } from '../core/onnx/graph.ts';
import { initializerRoles } from '../core/onnx/roles.ts';
import { type OptimizerConfig, stateSlots } from './optim/config.ts';
import { LOSS_SCALE_SLOT } from './optim/loss-scaling.ts';

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

/** Where a tensor sits in a vector that holds many. */
export interface Segment {
  name: string;
  dims: readonly number[];
  offset: number;
  size: number;
}

/** How a graph's parameters and running statistics are laid out as two flat vectors. */
export interface VectorLayout {
  parameters: Segment[];
  parameterSize: number;
  buffers: Segment[];
  bufferSize: number;
}

/**
 * Lays all parameters end to end, and all running statistics: the training step takes and gives two tensors
 * instead of hundreds, and the optimiser is a handful of nodes whatever the depth of the net.
 */
export function vectorLayout(graph: Graph): VectorLayout {
  const roles = initializerRoles(graph);
  const [parameters, parameterSize] = segments(graph, roles.parameters);
  const [buffers, bufferSize] = segments(graph, roles.buffers);
  return { parameters, parameterSize, buffers, bufferSize };
}

function segments(graph: Graph, names: readonly string[]): [Segment[], number] {
  let offset = 0;
  const list = names.map((name) => {
    const { dims } = graph.initializers.get(name)!;
    const segment = { name, dims, offset, size: sizeOf(dims) };
    offset += segment.size;
    return segment;
  });
  return [list, offset];
}

/** Copies the graph's own values of the segments into a new vector. */
export function packVector(graph: Graph, list: readonly Segment[]): Float32Array {
  const vector = new Float32Array(list.reduce((sum, segment) => sum + segment.size, 0));
  for (const { name, offset } of list) vector.set(graph.initializers.get(name)!.data as Float32Array, offset);
  return vector;
}

/** A copy of the graph with the segments' values taken from the vector. */
export function withVector(graph: Graph, list: readonly Segment[], vector: Float32Array): Graph {
  const initializers = new Map(graph.initializers);
  for (const { name, dims, offset, size } of list) {
    initializers.set(name, { dtype: 'float32', dims: [...dims], data: vector.slice(offset, offset + size) });
  }
  return { ...graph, initializers };
}
