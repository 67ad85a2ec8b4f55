import type { Graph } from '../../core/onnx/graph.ts';
import { placeOf } from '../checkpointing.ts';
import type { StepInput, StepResult, TrainingEngine } from '../engine/engine.ts';
import type { OptimizerConfig } from '../optim/config.ts';
import { runCall } from '../run-steps.ts';
import { copyState, initialState, type Segment, type TrainingState, vectorLayout } from '../state.ts';
import type { CutNet } from './front.ts';

/**
 * Trains the tail of a net whose front stays as it is: a step takes what {@link front} gives of the images. The state is
 * that of the whole net, so that all but the batches is as without the cut.
 */
export class TailEngine implements TrainingEngine {
  readonly front: Graph;
  readonly stepsPerCall: number;
  readonly #whole: Vectors;
  readonly #tail: Vectors;
  #state: TrainingState;

  /**
   * @param engine trains the tail
   * @param model the whole net
   */
  constructor(
    private readonly engine: TrainingEngine,
    model: Graph,
    { front, tail }: CutNet,
    optimizer: OptimizerConfig,
  ) {
    this.front = front;
    this.stepsPerCall = engine.stepsPerCall ?? 1;
    [this.#whole, this.#tail] = [new Vectors(model), new Vectors(tail)];
    this.#state = initialState(model, vectorLayout(model), optimizer);
  }

  get name(): string {
    return this.engine.name;
  }

  get state(): Promise<TrainingState> {
    return this.#read();
  }

  async #read(): Promise<TrainingState> {
    const trained = await this.engine.state;
    copyNamed(this.#tail.of(trained), this.#whole.of(this.#state));
    this.#state.steps = trained.steps;
    return this.#state;
  }

  load(state: TrainingState): void {
    this.#state = copyState(state);
    const { layout } = this.#tail;
    const part: TrainingState = {
      parameters: new Float32Array(layout.parameterSize),
      buffers: new Float32Array(layout.bufferSize),
      slots: Object.fromEntries(
        Object.keys(state.slots).map((slot) => [slot, new Float32Array(this.#tail.sizeOf(slot))]),
      ),
      steps: state.steps,
    };
    copyNamed(this.#whole.of(this.#state), this.#tail.of(part));
    this.engine.load(part);
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

/** The tensors of a state, as views of its vectors. */
class Vectors {
  readonly layout: ReturnType<typeof vectorLayout>;

  constructor(graph: Graph) {
    this.layout = vectorLayout(graph);
  }

  sizeOf(slot: string): number {
    const last = placeOf(slot, this.layout).segments.at(-1);
    return last ? last.offset + last.size : 0;
  }

  /** By names that are the same in a net and in a part of it. */
  of({ parameters, buffers, slots }: TrainingState): Map<string, Float32Array> {
    const { layout } = this;
    const named = (prefix: string, vector: Float32Array, segments: readonly Segment[]) =>
      segments.map(
        ({ name, offset, size }) => [`${prefix} ${name}`, vector.subarray(offset, offset + size)] as const,
      );
    return new Map([
      ...named('parameters', parameters, layout.parameters),
      ...named('buffers', buffers, layout.buffers),
      ...Object.entries(slots).flatMap(([slot, vector]) =>
        named(slot, vector, placeOf(slot, layout).segments),
      ),
    ]);
  }
}

/** Copies what both have. */
function copyNamed(from: ReadonlyMap<string, Float32Array>, to: ReadonlyMap<string, Float32Array>): void {
  for (const [name, values] of to) {
    const given = from.get(name);
    if (given) values.set(given);
  }
}
