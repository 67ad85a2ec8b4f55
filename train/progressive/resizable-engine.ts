import type { StepInput, StepResult, TrainingEngine } from '../engine/engine.ts';
import { runCall } from '../run-steps.ts';
import { copyState, type TrainingState } from '../state.ts';

/**
 * An engine whose images may change their size: a step graph is made for one size, so each size has an engine
 * of its own, which takes over the state. Only one is alive at a time.
 */
export class ResizableEngine implements TrainingEngine {
  /** @param make makes the engine for images of a size (height and width) */
  static async create(
    size: number,
    make: (size: number) => Promise<TrainingEngine>,
  ): Promise<ResizableEngine> {
    return new ResizableEngine(size, await make(size), make);
  }

  private constructor(
    private size: number,
    private engine: TrainingEngine,
    private readonly make: (size: number) => Promise<TrainingEngine>,
  ) {}

  async resize(size: number): Promise<void> {
    if (size === this.size) return;
    const state = copyState(await this.engine.state);
    // First, for two at once may be more than the memory holds.
    await this.engine.close();
    this.engine = await this.make(size);
    this.engine.load(state);
    this.size = size;
  }

  get name(): string {
    return this.engine.name;
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
