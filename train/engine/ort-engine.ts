import { type Dim, type Graph, sizeOf } from '../../core/onnx/graph.ts';
import { type InferenceSession, openSession, type Tensor, tensor } from '../../core/runtime/session.ts';
import { dropoutStep } from '../gradients/families/dropout.ts';
import { detectBlockSize } from '../lowering/ort/block-size.ts';
import { buildStepGraph, DROPOUT_STEP, encodeStep } from '../lowering/ort/step-graph.ts';
import { loopSteps } from '../lowering/ort/step-loop.ts';
import { type OptimizerConfig, updateScalars } from '../optim/config.ts';
import { checkLossScale } from '../optim/loss-scaling.ts';
import type { OrtPrecision } from '../precision.ts';
import { AlternatingState, initialState, type TrainingState, vectorLayout } from '../state.ts';
import type { StepInput, StepResult, TrainingEngine } from './engine.ts';
import type { Provider } from './providers/providers.ts';

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
  readonly #dropout: DropoutFeeds;

  private constructor(
    private readonly session: InferenceSession,
    private readonly optimizer: OptimizerConfig,
    readonly stepsPerCall: number,
    { graph, initial, imageDims, targetDims }: PreparedStep,
    seed: number,
  ) {
    this.#dropout = new DropoutFeeds(graph, seed);
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
    const { optimizer, provider = 'cpu', threads, stepsPerCall = 1, seed = 0 } = options;
    const prepared = await prepareStep(model, options);
    const graph = stepsPerCall === 1 ? prepared.graph : loopSteps(prepared.graph);
    const session = await openSession(encodeStep(graph), {
      executionProviders: [provider],
      int8: false,
      threads,
      // A plan for the memory of a whole step is laid out beside what the first step took: twice as much.
      ...(provider === 'cpu' ? { enableMemPattern: false } : {}),
    });
    return new OrtEngine(session, optimizer, stepsPerCall, prepared, seed);
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
        ...this.#dropout.of(firstStep),
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
      ...this.#dropout.stacked(firstStep, inputs.length),
    };
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}

export interface StepOptions {
  batchSize: number;
  optimizer: OptimizerConfig;
  /** Default cpu. */
  provider?: Provider;
  /** Default fp32. */
  precision?: OrtPrecision;
  /** Default train. */
  batchNorm?: 'train' | 'frozen' | undefined;
  /** Decides what Dropout drops; default 0. */
  seed?: number | undefined;
}

/** A training step, ready to be run. */
export interface PreparedStep {
  graph: Graph;
  /** Of a batch. */
  imageDims: number[];
  targetDims: number[];
  /** The model's own weights. */
  initial: TrainingState;
}

/**
 * Differentiates the model for an execution provider.
 * @throws UserError if the model has an operator that cannot be trained
 */
export async function prepareStep(model: Graph, options: StepOptions): Promise<PreparedStep> {
  const { batchSize, optimizer, provider = 'cpu', precision = 'fp32', batchNorm } = options;
  const layout = vectorLayout(model);
  // The CPU's blocked kernels are float32 only, and no other provider has any.
  const portable = provider !== 'cpu' || precision === 'fp16';
  const blockSize = portable ? 0 : await detectBlockSize();
  const withBatch = (dims: readonly Dim[]) => dims.map((dim) => (typeof dim === 'number' ? dim : batchSize));
  return {
    graph: buildStepGraph(model, layout, { batchSize, optimizer, blockSize, portable, precision, batchNorm }),
    imageDims: withBatch(model.inputs[0]!.dims),
    targetDims: withBatch(model.outputs[0]!.dims),
    initial: initialState(model, layout, optimizer),
  };
}

export type Tensors = Record<string, Tensor>;

/** What a step graph with Dropout is told of its step; nothing to one without. */
export class DropoutFeeds {
  readonly #drops: boolean;

  constructor(
    graph: Graph,
    private readonly seed: number,
  ) {
    this.#drops = graph.inputs.some(({ name }) => name === DROPOUT_STEP);
  }

  /** @param step counted from 1 */
  of(step: number): Tensors {
    return this.#drops ? { [DROPOUT_STEP]: tensor(Float32Array.of(dropoutStep(this.seed, step)), []) } : {};
  }

  /** Of several steps in a row, a vector. */
  stacked(firstStep: number, count: number): Tensors {
    if (!this.#drops) return {};
    const numbers = Float32Array.from({ length: count }, (_, i) => dropoutStep(this.seed, firstStep + i));
    return { [DROPOUT_STEP]: tensor(numbers) };
  }
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
