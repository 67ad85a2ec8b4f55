import { UserError } from '../core/errors.ts';
import type { Graph } from '../core/onnx/graph.ts';
import type { RunDirectory } from '../core/runs/run-directory.ts';
import {
  type Checkpoint,
  type CheckpointProgress,
  loadCheckpoint,
  saveCheckpoint,
} from '../core/weights/checkpoint.ts';
import type { TrainingState } from './engine/state.ts';
import { LOSS_SCALE_SLOT } from './step/loss-scaling.ts';
import { type Segment, type VectorLayout, vectorLayout } from './step/parameter-vector.ts';

/** How a slot's values are named in a checkpoint, and which vector they are laid out as. */
export function placeOf(
  slot: string,
  layout: VectorLayout,
): { prefix: string; segments: readonly Segment[] } {
  if (slot === 'ema') return { prefix: 'ema.', segments: layout.parameters };
  if (slot === 'ema_buffers') return { prefix: 'ema.', segments: layout.buffers };
  if (slot === LOSS_SCALE_SLOT) {
    return { prefix: 'optimizer.', segments: [{ name: slot, dims: [2], offset: 0, size: 2 }] };
  }
  return { prefix: `optimizer.${slot}.`, segments: layout.parameters };
}

/** The weights that a state is evaluated and exported with: the moving average where one is kept. */
export function evaluatedWeights(state: TrainingState): Pick<TrainingState, 'parameters' | 'buffers'> {
  const { ema, ema_buffers } = state.slots;
  return { parameters: ema ?? state.parameters, buffers: ema_buffers ?? state.buffers };
}

/** Saves all that a run needs to go on, as `last`. Views of the state are written, nothing is copied. */
export function saveLast(
  run: RunDirectory,
  model: Graph,
  state: TrainingState,
  progress: CheckpointProgress,
): Promise<void> {
  const layout = vectorLayout(model);
  const tensors: Checkpoint['tensors'] = new Map();
  putWeights(tensors, layout, state);
  for (const [slot, vector] of Object.entries(state.slots)) {
    const { prefix, segments } = placeOf(slot, layout);
    put(tensors, vector, segments, prefix);
  }
  return saveCheckpoint(run.checkpointPath('last'), {
    tensors,
    progress: { ...progress, steps: state.steps },
  });
}

/** Saves the weights to evaluate and export, as `best`. */
export function saveBest(
  run: RunDirectory,
  model: Graph,
  state: TrainingState,
  progress: CheckpointProgress,
): Promise<void> {
  const tensors: Checkpoint['tensors'] = new Map();
  putWeights(tensors, vectorLayout(model), evaluatedWeights(state));
  return saveCheckpoint(run.checkpointPath('best'), { tensors, progress });
}

function putWeights(
  tensors: Checkpoint['tensors'],
  layout: VectorLayout,
  weights: Pick<TrainingState, 'parameters' | 'buffers'>,
): void {
  put(tensors, weights.parameters, layout.parameters, '');
  put(tensors, weights.buffers, layout.buffers, '');
}

function put(
  tensors: Checkpoint['tensors'],
  vector: Float32Array,
  segments: readonly Segment[],
  prefix: string,
): void {
  for (const { name, dims, offset, size } of segments) {
    tensors.set(prefix + name, { dims: [...dims], data: vector.subarray(offset, offset + size) });
  }
}

/**
 * Loads the `last` checkpoint of a run.
 * @param slots the optimiser's slots, as `stateSlots` names them
 * @throws UserError if it is missing, broken, or of another model or optimiser
 */
export async function loadLast(
  run: RunDirectory,
  model: Graph,
  slots: readonly string[],
): Promise<{ state: TrainingState; progress: CheckpointProgress }> {
  const path = run.checkpointPath('last');
  const { tensors, progress } = await loadCheckpoint(path);
  const layout = vectorLayout(model);
  const gather = (segments: readonly Segment[], prefix: string) => {
    const vector = new Float32Array(segments.reduce((sum, segment) => sum + segment.size, 0));
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
  const state: TrainingState = {
    parameters: gather(layout.parameters, ''),
    buffers: gather(layout.buffers, ''),
    slots: Object.fromEntries(
      slots.map((slot) => {
        const { prefix, segments } = placeOf(slot, layout);
        return [slot, gather(segments, prefix)];
      }),
    ),
    steps: progress.steps ?? 0,
  };
  return { state, progress };
}
