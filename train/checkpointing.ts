import { UserError } from '../core/errors.ts';
import type { Graph } from '../core/onnx/graph.ts';
import type { RunDirectory } from '../core/runs/run-directory.ts';
import {
  type Checkpoint,
  type CheckpointProgress,
  loadCheckpoint,
  saveCheckpoint,
} from '../core/weights/checkpoint.ts';
import type { TrainingState } from './engine/engine.ts';
import { type Segment, type VectorLayout, vectorLayout } from './step/parameter-vector.ts';

const MOMENTUM_PREFIX = 'optimizer.momentum.';

/** Saves the state as `last` or `best`; views of the state are written, nothing is copied. */
export function saveState(
  run: RunDirectory,
  which: 'last' | 'best',
  model: Graph,
  state: TrainingState,
  progress: CheckpointProgress,
): Promise<void> {
  const layout = vectorLayout(model);
  const tensors: Checkpoint['tensors'] = new Map();
  const put = (vector: Float32Array, segments: readonly Segment[], prefix: string) => {
    for (const { name, dims, offset, size } of segments) {
      tensors.set(prefix + name, { dims: [...dims], data: vector.subarray(offset, offset + size) });
    }
  };
  put(state.parameters, layout.parameters, '');
  put(state.buffers, layout.buffers, '');
  put(state.momentum, layout.parameters, MOMENTUM_PREFIX);
  return saveCheckpoint(run.checkpointPath(which), { tensors, progress });
}

/**
 * Loads the `last` checkpoint of a run.
 * @throws UserError if it is missing, broken, or of another model
 */
export async function loadState(
  run: RunDirectory,
  model: Graph,
): Promise<{ state: TrainingState; progress: CheckpointProgress }> {
  const path = run.checkpointPath('last');
  const { tensors, progress } = await loadCheckpoint(path);
  const layout: VectorLayout = vectorLayout(model);
  const gather = (segments: readonly Segment[], length: number, prefix: string) => {
    const vector = new Float32Array(length);
    for (const { name, offset, size } of segments) {
      const tensor = tensors.get(prefix + name);
      if (tensor?.data.length !== size) {
        throw new UserError(
          `${path} does not fit model ${model.name}: "${prefix}${name}" is missing or of another size`,
        );
      }
      vector.set(tensor.data, offset);
    }
    return vector;
  };
  const state = {
    parameters: gather(layout.parameters, layout.parameterSize, ''),
    buffers: gather(layout.buffers, layout.bufferSize, ''),
    momentum: gather(layout.parameters, layout.parameterSize, MOMENTUM_PREFIX),
  };
  return { state, progress };
}
