import { Tensor } from '../../core/runtime/session.ts';
import type { OptimizerConfig } from '../optim/config.ts';
import { updateScalars } from '../step/update.ts';
import type { TrainingState } from './state.ts';

export type Tensors = Record<string, Tensor>;

/** A float32 tensor on the given memory; a vector unless `dims` says otherwise. */
export function tensor(data: Float32Array, dims: readonly number[] = [data.length]): Tensor {
  return new Tensor('float32', data, dims);
}

/** What an update reads: weights, slots and the step's scalars. */
export function updateFeeds(state: TrainingState, optimizer: OptimizerConfig, learningRate: number): Tensors {
  return { ...stateFeeds(state), ...scalarFeeds(optimizer, learningRate, state.steps + 1) };
}

/** Weights and slots. */
export function stateFeeds(state: TrainingState): Tensors {
  const feeds: Tensors = { parameters: tensor(state.parameters) };
  for (const [name, vector] of Object.entries(state.slots)) feeds[name] = tensor(vector);
  return feeds;
}

/**
 * The scalars of a step.
 * @param step counted from 1
 */
export function scalarFeeds(optimizer: OptimizerConfig, learningRate: number, step: number): Tensors {
  const scalars = updateScalars(optimizer, learningRate, step);
  return mapValues(scalars, (value) => tensor(Float32Array.of(value), []));
}

/**
 * The scalars of several steps in a row, a vector each.
 * @param firstStep counted from 1
 */
export function stackedScalarFeeds(
  optimizer: OptimizerConfig,
  learningRates: readonly number[],
  firstStep: number,
): Tensors {
  const steps = learningRates.map((rate, i) => updateScalars(optimizer, rate, firstStep + i));
  return mapValues(steps[0]!, (_, name) => tensor(Float32Array.from(steps, (scalars) => scalars[name]!)));
}

/** Where an update writes: memory we own, so that nothing is allocated from step to step. */
export function updateFetches(next: TrainingState): Tensors {
  const fetches: Tensors = { next_parameters: tensor(next.parameters) };
  for (const [name, vector] of Object.entries(next.slots)) fetches[`next_${name}`] = tensor(vector);
  return fetches;
}

function mapValues(values: Record<string, number>, make: (value: number, name: string) => Tensor): Tensors {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, make(value, name)]));
}
