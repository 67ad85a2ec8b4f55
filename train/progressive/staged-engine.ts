import type { Graph } from '../../core/onnx/graph.ts';
import { createEngine } from '../engine/create-engine.ts';
import type { StepInput, StepResult, TrainingEngine } from '../engine/engine.ts';
import type { Device } from '../engine/providers/device.ts';
import { seenAt, sizeSeen } from '../fine-tune/enlarge.ts';
import type { TrainConfig } from '../recipe/settings.ts';
import { runCall } from '../run-steps.ts';
import { copyState, type TrainingState } from '../state.ts';
import { type Stage, stageAt } from './stages.ts';

/**
 * An engine whose images may change their size and whose weights may thaw: a step graph is made for one stage, so each
 * has an engine of its own, which takes over the state. Only one is alive at a time.
 */
export class StagedEngine implements TrainingEngine {
  /** @param make makes the engine of a stage */
  static async create(first: Stage, make: (stage: Stage) => Promise<TrainingEngine>): Promise<StagedEngine> {
    return new StagedEngine(first, await make(first), make);
  }

  private constructor(
    private stage: Stage,
    private engine: TrainingEngine,
    private readonly make: (stage: Stage) => Promise<TrainingEngine>,
  ) {}

  async enter(stage: Stage): Promise<void> {
    if (stage.size === this.stage.size && stage.frozen === this.stage.frozen) return;
    const state = copyState(await this.engine.state);
    // First, for two at once may be more than the memory holds.
    await this.engine.close();
    this.engine = await this.make(stage);
    this.engine.load(state);
    this.stage = stage;
  }

  get name(): string {
    return this.engine.name;
  }

  get front(): Graph | undefined {
    return this.engine.front;
  }

  get frontRemains(): string | undefined {
    return this.engine.frontRemains;
  }

  get stepsPerCall(): number {
    return this.engine.stepsPerCall ?? 1;
  }

  get state(): TrainingState | Promise<TrainingState> {
    return this.engine.state;
  }

  load(state: TrainingState): void {
    this.engine.load(state);
  }

  step(images: Float32Array, targets: Float32Array, learningRate: number): Promise<StepResult> {
    return this.engine.step(images, targets, learningRate);
  }

  steps(inputs: readonly StepInput[]): Promise<StepResult[]> {
    return runCall(this.engine, inputs);
  }

  close(): Promise<void> {
    return this.engine.close();
  }
}

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
