import type { Graph } from '../../core/onnx/graph.ts';
import { createEngine } from '../engine/create-engine.ts';
import type { TrainingEngine } from '../engine/engine.ts';
import type { Device } from '../engine/providers/device.ts';
import { seenAt, sizeSeen } from '../fine-tune/enlarge.ts';
import type { TrainConfig } from '../recipe/settings.ts';
import { StagedEngine } from './staged-engine.ts';
import { stageAt } from './stages.ts';

export interface EngineForRun {
  config: TrainConfig;
  /** For whole images, with the weights the run starts from. */
  model: Graph;
}

/**
 * Makes the engine of a run, for its first epoch.
 * @throws UserError if the device cannot run it, or the model cannot be trained
 */
export async function engineForRun(
  { config, model }: EngineForRun,
  threads?: number,
  device?: Device,
): Promise<TrainingEngine> {
  const { progressive, unfreezeAfter, freeze } = config;
  if (progressive.length === 0 && unfreezeAfter === undefined)
    return createEngine(model, config, threads, device);
  return StagedEngine.create(stageAt(config, 0, sizeSeen(model)), ({ size, frozen }) =>
    createEngine(seenAt(model, size), { ...config, freeze: frozen ? freeze : [] }, threads, device),
  );
}
