import { constants, existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { UserError } from '../core/errors.ts';
import type { ModelAccuracy } from '../core/model-metadata.ts';
import type { Graph } from '../core/onnx/graph.ts';
import type { RunDirectory } from '../core/runs/run-directory.ts';
import {
  type Checkpoint,
  type CheckpointProgress,
  loadCheckpoint,
  saveCheckpoint,
  withWeights,
} from '../core/weights/checkpoint.ts';
import type { TrainingEngine } from './engine/engine.ts';
import { divergedIn, type EpochReport, type LoopObserver, type StepReport } from './loop.ts';
import { LOSS_SCALE_SLOT } from './optim/loss-scaling.ts';
import type { TrainingState } from './state.ts';
import { type Segment, type VectorLayout, vectorLayout } from './state.ts';

const SAVE_EVERY_SECONDS = 300;
export const ADVICE = 'lower --lr or raise the warm-up';

/**
 * Keeps a run on disk while it is trained, so that it goes on to equal weights whenever it is killed: the log's line,
 * then the best weights, then all of the state, for what `last` does not have yet is trained and logged anew.
 */
export class RunKeeper implements LoopObserver {
  #lastSave = performance.now();

  /** @param validated whether validation images choose the best epoch, and not the test images */
  constructor(
    private readonly run: RunDirectory,
    private readonly model: Graph,
    private readonly engine: TrainingEngine,
    private readonly validated: boolean,
  ) {}

  /**
   * Gives the engine the state of the run's newest checkpoint that is whole; without one saves that it has, so that a
   * run stopped before its first step can be resumed.
   * @param slots the optimiser's, as `stateSlots` names them; absent: the run is new
   * @returns where it stands; `damaged` says why the checkpoint is the one before the last
   */
  async begin(slots?: readonly string[]): Promise<{ progress: CheckpointProgress; damaged?: string }> {
    const found = slots && (await loadLast(this.run, this.model, slots));
    if (!found) {
      const progress = { epoch: 0, batch: 0 };
      await this.#save(progress);
      return { progress };
    }
    this.engine.load(found.state);
    if (found.damaged !== undefined) await this.run.setDamagedAside();
    await this.run.truncateLog(found.progress.epoch);
    return found;
  }

  async onStep({ progress, settled }: StepReport): Promise<void> {
    const due = performance.now() - this.#lastSave > SAVE_EVERY_SECONDS * 1000;
    if (settled && due) await this.#save(progress);
  }

  onPause(progress: CheckpointProgress): Promise<void> {
    return this.#save(progress);
  }

  async onEpochEnd({ entry, improved, progress }: EpochReport): Promise<void> {
    await this.run.checkLock();
    await this.run.log({ ...entry, ...(this.validated ? { evaluatedOn: 'validation' } : {}) });
    if (improved) {
      const weights = evaluatedWeights(await this.engine.state);
      const tensors: Checkpoint['tensors'] = new Map();
      putWeights(tensors, vectorLayout(this.model), weights);
      await saveCheckpoint(this.run.checkpointPath('best'), { tensors, progress: this.#stated(progress) });
    }
    await this.#save(progress);
  }

  /**
   * Measures the best epoch's weights on the test images, which had no part in choosing it, once a run is finished.
   * @param measure may be broken off, and is then undefined
   * @returns what it was measured to be, also if that was before
   */
  async testBest(
    progress: CheckpointProgress,
    measure: (model: Graph) => Promise<ModelAccuracy | undefined>,
  ): Promise<ModelAccuracy | undefined> {
    if (!this.validated || progress.test || !progress.best) return progress.test;
    const path = this.run.checkpointPath('best');
    const best = await loadCheckpoint(path);
    const test = await measure(withWeights(this.model, best.tensors, path));
    if (!test) return undefined;
    await this.run.checkLock();
    await saveCheckpoint(path, { ...best, progress: { ...best.progress, test } });
    await this.#save({ ...progress, test });
    return test;
  }

  async #save(progress: CheckpointProgress): Promise<void> {
    const state = await this.engine.state;
    if (!state.parameters.every(Number.isFinite)) {
      const epoch = progress.batch > 0 ? progress.epoch : Math.max(0, progress.epoch - 1);
      throw new UserError(divergedIn(epoch, `${ADVICE} (the last checkpoint is kept)`));
    }
    await this.run.checkLock();
    await saveLast(this.run, this.model, state, this.#stated(progress));
    this.#lastSave = performance.now();
  }

  #stated(progress: CheckpointProgress): CheckpointProgress {
    return this.validated && progress.best ? { ...progress, chosenOn: 'validation' } : progress;
  }
}

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

/**
 * Saves all that a run needs to go on, as `last`, and keeps the one before. Views of the state are written, nothing
 * is copied.
 */
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
  const checkpoint = { tensors, progress: { ...progress, steps: state.steps } };
  return saveCheckpoint(run.checkpointPath('last'), checkpoint, () => run.keepPrevious());
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

/** A checkpoint to go on from. */
export interface FoundCheckpoint extends Checkpoint {
  path: string;
  /** Why it is the one before the last; absent if it is the last. */
  damaged?: string;
}

/**
 * The newest checkpoint of a run that is whole: `last`, or the one before.
 * @returns undefined if the run has none and was never trained, as when it was killed before its first
 * @throws UserError if what it has cannot be read
 */
export async function findLast(run: RunDirectory): Promise<FoundCheckpoint | undefined> {
  const [path, previous] = [run.checkpointPath('last'), run.checkpointPath('previous')];
  if (await run.neverBegan()) return undefined;
  try {
    return { ...(await loadCheckpoint(path)), path };
  } catch (error) {
    if (!(error instanceof UserError) || !existsSync(previous)) throw error;
    // What may not be read is not damaged.
    if (existsSync(path)) await access(path, constants.R_OK);
    const found = await loadCheckpoint(previous).catch(() => undefined);
    if (!found) throw new UserError(`${error.message}; nor can ${previous} be read`);
    return { ...found, path: previous, damaged: error.message };
  }
}

/**
 * Loads the checkpoint of a run to go on from.
 * @param slots the optimiser's slots, as `stateSlots` names them
 * @returns undefined as {@link findLast}; `damaged` says why it is the one before the last
 * @throws UserError if it is missing, broken, or of another model or optimiser
 */
export async function loadLast(
  run: RunDirectory,
  model: Graph,
  slots: readonly string[],
): Promise<{ state: TrainingState; progress: CheckpointProgress; damaged?: string } | undefined> {
  const found = await findLast(run);
  if (!found) return undefined;
  const { tensors, path, damaged } = found;
  const { steps = 0, ...progress } = found.progress;
  const layout = vectorLayout(model);
  const known = new Set([...layout.parameters, ...layout.buffers].map(({ name }) => name));
  const trainedOnce = [...tensors.keys()].find((name) => model.initializers.has(name) && !known.has(name));
  if (trainedOnce !== undefined) {
    throw new UserError(
      `${path} is of a version that trained "${trainedOnce}" too, which is kept as it is now: ` +
        `finish the run with that version, or go on from it in another by train --from ${run.path}`,
    );
  }
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
    steps,
  };
  return { state, progress, ...(damaged === undefined ? {} : { damaged }) };
}
