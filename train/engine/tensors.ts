import * as ort from 'onnxruntime-node';
import type { OptimizerConfig } from '../optim/config.ts';
import { updateScalars } from '../step/update.ts';
import type { TrainingState } from './state.ts';

type Tensors = Record<string, ort.Tensor>;

/** A float32 tensor on the given memory; a vector unless `dims` says otherwise. */
export function tensor(data: Float32Array, dims: readonly number[] = [data.length]): ort.Tensor {
  return new ort.Tensor('float32', data, dims);
}

/** What an update reads: weights, slots and the step's scalars. */
export function updateFeeds(state: TrainingState, optimizer: OptimizerConfig, learningRate: number): Tensors {
  const feeds: Tensors = { parameters: tensor(state.parameters) };
  for (const [name, vector] of Object.entries(state.slots)) feeds[name] = tensor(vector);
  const scalars = updateScalars(optimizer, learningRate, state.steps + 1);
  for (const [name, value] of Object.entries(scalars)) feeds[name] = tensor(Float32Array.of(value), []);
  return feeds;
}

/** Where an update writes: memory we own, so that nothing is allocated from step to step. */
export function updateFetches(next: TrainingState): Tensors {
  const fetches: Tensors = { next_parameters: tensor(next.parameters) };
  for (const [name, vector] of Object.entries(next.slots)) fetches[`next_${name}`] = tensor(vector);
  return fetches;
}
