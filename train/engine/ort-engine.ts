import { type Graph, sizeOf } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { type InferenceSession, openSession } from '../../core/runtime/session.ts';
import type { OptimizerConfig } from '../optim/config.ts';
import { loopSteps } from '../step/step-loop.ts';
import { checkLossScale } from './check-loss-scale.ts';
import type { StepInput, StepResult, TrainingEngine } from './engine.ts';
import { type PreparedStep, prepareStep, type StepOptions } from './prepare-step.ts';
import { AlternatingState, type TrainingState } from './state.ts';
import {
  scalarFeeds,
  stackedScalarFeeds,
  stateFeeds,
  type Tensors,
  tensor,
  updateFetches,
} from './tensors.ts';

export interface OrtEngineOptions extends StepOptions {
  /** Threads for one operator; default: onnxruntime's, one a core. */
  threads?: number | undefined;
  /** Steps that a call of `steps` takes; default 1. */
  stepsPerCall?: number;
}

/**
 * Trains a classifier by running its training-step graph in onnxruntime. The state is in this process's
 * memory; an execution provider with memory of its own gets it once a call.
 */
export class OrtEngine implements TrainingEngine {
  readonly name = 'ort';
  readonly #state: AlternatingState;
  readonly #imageDims: number[];
  readonly #targetDims: number[];
  readonly #loss: Float32Array;
  readonly #logits: Float32Array;
  /** Where batches are put side by side; empty where a call is one step. */
  readonly #images: Float32Array;
  readonly #targets: Float32Array;

  private constructor(
    private readonly session: InferenceSession,
    private readonly optimizer: OptimizerConfig,
    readonly stepsPerCall: number,
    { initial, imageDims, targetDims }: PreparedStep,
  ) {
    this.#state = new AlternatingState(initial);
    this.#imageDims = imageDims;
    this.#targetDims = targetDims;
    this.#loss = new Float32Array(stepsPerCall);
    this.#logits = new Float32Array(stepsPerCall * sizeOf(targetDims));
    const stacked = stepsPerCall === 1 ? 0 : stepsPerCall;
    this.#images = new Float32Array(stacked * sizeOf(imageDims));
    this.#targets = new Float32Array(stacked * sizeOf(targetDims));
  }

  /**
   * Differentiates the model and prepares its step; the state starts as the model's own weights.
   * @throws UserError if the model has an operator that cannot be trained
   */
  static async create(model: Graph, options: OrtEngineOptions): Promise<OrtEngine> {
    const { optimizer, provider = 'cpu', threads, stepsPerCall = 1 } = options;
    const prepared = await prepareStep(model, options);
    const graph = stepsPerCall === 1 ? prepared.graph : loopSteps(prepared.graph);
    const session = await openSession(encodeModel(graph), {
      executionProviders: [provider],
      int8: false,
      threads,
      // A plan for the memory of a whole step is laid out beside what the first step took: twice as much.
      ...(provider === 'cpu' ? { enableMemPattern: false } : {}),
    });
    return new OrtEngine(session, optimizer, stepsPerCall, prepared);
  }

  get state(): TrainingState {
    return this.#state.current;
  }

  load(state: TrainingState): void {
    this.#state.load(state);
  }

  async step(images: Float32Array, targets: Float32Array, learningRate: number): Promise<StepResult> {
    const [result] = await this.steps([{ images, targets, learningRate }]);
    return result!;
  }

  async steps(inputs: readonly StepInput[]): Promise<StepResult[]> {
    const count = inputs.length;
    if (count < 1 || count > this.stepsPerCall) {
      throw new RangeError(`a call takes 1 to ${this.stepsPerCall} steps, not ${count}`);
    }
    const { current, next } = this.#state;
    // Of the loop's inputs and outputs, all but the state have the steps as their first axis.
    const axes = this.stepsPerCall === 1 ? [] : [count];
    const size = sizeOf(this.#targetDims);
    const logits = this.#logits.subarray(0, count * size);
    const fetches = {
      loss: tensor(this.#loss.subarray(0, count), axes),
      logits: tensor(logits, [...axes, ...this.#targetDims]),
      next_buffers: tensor(next.buffers),
      ...updateFetches(next),
    };
    const feeds = { ...this.#batchFeeds(inputs), buffers: tensor(current.buffers), ...stateFeeds(current) };
    await this.session.run(feeds, fetches);
    checkLossScale(next.slots);
    this.#state.advance(count);
    return inputs.map((_, i) => ({
      loss: this.#loss[i]!,
      logits: logits.subarray(i * size, (i + 1) * size),
    }));
  }

  #batchFeeds(inputs: readonly StepInput[]): Tensors {
    const firstStep = this.#state.current.steps + 1;
    if (this.stepsPerCall === 1) {
      const { images, targets, learningRate } = inputs[0]!;
      return {
        images: tensor(images, this.#imageDims),
        targets: tensor(targets, this.#targetDims),
        ...scalarFeeds(this.optimizer, learningRate, firstStep),
      };
    }
    const stack = (memory: Float32Array, key: 'images' | 'targets', dims: number[]) => {
      const size = sizeOf(dims);
      for (const [i, input] of inputs.entries()) memory.set(input[key], i * size);
      return tensor(memory.subarray(0, inputs.length * size), [inputs.length, ...dims]);
    };
    const rates = inputs.map(({ learningRate }) => learningRate);
    return {
      images: stack(this.#images, 'images', this.#imageDims),
      targets: stack(this.#targets, 'targets', this.#targetDims),
      ...stackedScalarFeeds(this.optimizer, rates, firstStep),
    };
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}
