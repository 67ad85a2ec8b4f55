import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { UserError } from '../../core/errors.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import { loadTensorFlow, type TensorFlow } from '../../core/tensorflow/load-tfjs.ts';
import { dropoutStep } from '../gradients/families/dropout.ts';
import { buildUpdateGraph } from '../lowering/ort/step-graph.ts';
import { FilterOrder } from '../lowering/tfjs/filter-order.ts';
import { LossGradient } from '../lowering/tfjs/gradient.ts';
import { GraphInterpreter } from '../lowering/tfjs/interpreter.ts';
import { requireBfloat16 } from '../lowering/tfjs/require-bfloat16.ts';
import { plain } from '../lowering/tfjs/value.ts';
import { frozenOf, type OptimizerConfig, updateScalars } from '../optim/config.ts';
import type { TfjsPrecision } from '../precision.ts';
import { initialState, type TrainingState, vectorLayout } from '../state.ts';
import type { StepResult, TrainingEngine } from './engine.ts';

export interface TfjsEngineOptions {
  batchSize: number;
  optimizer: OptimizerConfig;
  /** What convolutions compute in; default fp32. */
  precision?: TfjsPrecision | undefined;
  /** Parts that a batch is worked through in, one after the other, to need less memory; default 1. */
  accumulate?: number | undefined;
  /**
   * Shares that such a part is taken in, as the ort engine's replicas take it: batch norm sees the share, and
   * the running statistics are the mean over the shares. There is one device, so they do not run at once;
   * default 1.
   */
  replicas?: number | undefined;
  /** Default train. */
  batchNorm?: 'train' | 'frozen' | undefined;
  /** Decides what Dropout drops; default 0. */
  seed?: number | undefined;
  /** Threads for one operator; default: TensorFlow's, one a core. */
  threads?: number | undefined;
}

/**
 * Trains a classifier by TensorFlow's kernels, which TensorFlow.js runs: the training graph that all engines share is
 * interpreted, and so is the optimiser.
 */
export class TfjsEngine implements TrainingEngine {
  readonly name = 'tfjs';
  readonly #state: DeviceState;

  private constructor(
    private readonly tf: TensorFlow,
    private readonly gradient: LossGradient,
    private readonly update: GraphInterpreter,
    private readonly optimizer: OptimizerConfig,
    private readonly rounds: number,
    private readonly replicas: number,
    private readonly seed: number,
    order: FilterOrder,
    initial: TrainingState,
  ) {
    this.#state = new DeviceState(tf, order, initial);
  }

  /**
   * Prepares training; the state starts as the model's own weights.
   * @throws UserError if TensorFlow is not set up or has no bfloat16 where that is asked for, the batch cannot be
   * divided, or the model has an operator that cannot be trained
   */
  static async create(model: Graph, options: TfjsEngineOptions): Promise<TfjsEngine> {
    const {
      batchSize,
      optimizer,
      precision = 'fp32',
      accumulate = 1,
      replicas = 1,
      threads,
      seed = 0,
    } = options;
    const parts = accumulate * replicas;
    if (batchSize % parts !== 0) {
      throw new UserError(
        `a batch of ${batchSize} cannot be worked through in ${parts} equal parts; change one of them`,
      );
    }
    // TensorFlow reads it when it makes its threads.
    if (threads !== undefined) process.env.TF_NUM_INTRAOP_THREADS = String(threads);
    const tf = await loadTensorFlow();
    if (precision === 'bf16') requireBfloat16(tf);
    const layout = vectorLayout(model);
    const order = new FilterOrder(model, layout);
    const gradient = new LossGradient(tf, model, layout, order, batchSize / parts, precision, {
      batchNorm: options.batchNorm,
      frozen: frozenOf(optimizer),
    });
    const update = new GraphInterpreter(tf, { graph: buildUpdateGraph(model.name, layout, optimizer) });
    const initial = initialState(model, layout, optimizer);
    return new TfjsEngine(tf, gradient, update, optimizer, accumulate, replicas, seed, order, initial);
  }

  get state(): TrainingState {
    return this.#state.read();
  }

  load(state: TrainingState): void {
    this.#state.load(state);
  }

  async step(images: Float32Array, targets: Float32Array, learningRate: number): Promise<StepResult> {
    // TensorFlow's calls block; between steps, signals and the loader's messages have their turn.
    await new Promise((resolve) => setImmediate(resolve));
    const { next, loss, logits } = this.tf.tidy(() => this.#step(images, targets, learningRate));
    this.#state.advance(next);
    const result = { loss: loss.dataSync()[0]!, logits: logits.dataSync() as Float32Array };
    this.tf.dispose([loss, logits]);
    return result;
  }

  async close(): Promise<void> {
    this.#state.dispose();
    this.gradient.dispose();
    this.update.dispose();
  }

  #step(images: Float32Array, targets: Float32Array, learningRate: number) {
    const { tf } = this;
    const { buffers, ...vectors } = this.#state.tensors;
    const [losses, logits]: Tensor[][] = [[], []];
    let gradient: Tensor | undefined;
    let nextBuffers = buffers;
    for (let round = 0; round < this.rounds; round++) {
      const shares = Array.from({ length: this.replicas }, (_, replica) => {
        const part = round * this.replicas + replica;
        const of = (batch: Float32Array) => this.#part(batch, part);
        const drop = dropoutStep(this.seed, this.#state.steps * this.#parts + part + 1);
        const share = this.gradient.compute(vectors.parameters!, nextBuffers, of(images), of(targets), drop);
        losses!.push(share.loss);
        logits!.push(share.logits);
        gradient = gradient ? this.#sum(gradient, share.gradient) : share.gradient;
        return share.nextBuffers;
      });
      nextBuffers = this.#mean(shares);
    }
    const scalars = updateScalars(this.optimizer, learningRate, this.#state.steps + 1);
    const feeds: Record<string, Tensor> = {
      ...vectors,
      ...Object.fromEntries(Object.entries(scalars).map(([name, value]) => [name, tf.scalar(value)])),
      gradient: this.#parts === 1 ? gradient! : tf.div(gradient!, this.#parts),
      next_buffers: nextBuffers,
    };
    const outputs = this.update.run(
      Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, plain(tensor)])),
    );
    // Clones, for an output may be an input; they share the memory.
    const next = Object.keys(vectors).map((name) => [name, outputs.get(`next_${name}`)!.tensor.clone()]);
    return {
      next: { ...Object.fromEntries(next), buffers: nextBuffers.clone() } as StateTensors,
      loss: this.#mean(losses!),
      logits: tf.concat(logits!),
    };
  }

  get #parts(): number {
    return this.rounds * this.replicas;
  }

  #part(batch: Float32Array, index: number): Float32Array {
    const size = batch.length / this.#parts;
    return batch.subarray(index * size, (index + 1) * size);
  }

  /** Frees what it adds up. */
  #sum(a: Tensor, b: Tensor): Tensor {
    const sum = this.tf.add(a, b);
    this.tf.dispose([a, b]);
    return sum;
  }

  #mean(tensors: Tensor[]): Tensor {
    return tensors.length === 1 ? tensors[0]! : this.tf.div(this.tf.addN(tensors), tensors.length);
  }
}

/** The tensors of a training state, by their names in the update graph. */
type StateTensors = { parameters: Tensor; buffers: Tensor } & Record<string, Tensor>;

/** A training state that stays on TensorFlow's device, and is read back only when asked for. */
class DeviceState {
  #tensors: StateTensors;
  #steps: number;
  #host: TrainingState | undefined;

  constructor(
    private readonly tf: TensorFlow,
    private readonly order: FilterOrder,
    initial: TrainingState,
  ) {
    this.#tensors = this.#upload(initial);
    this.#steps = initial.steps;
  }

  get tensors(): StateTensors {
    return this.#tensors;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Takes over the tensors of the state after a step. */
  advance(next: StateTensors): void {
    this.#replace(next, this.#steps + 1);
  }

  /** Replaces the state with a copy of the given one. */
  load(state: TrainingState): void {
    this.#replace(this.#upload(state), state.steps);
  }

  read(): TrainingState {
    const { parameters, buffers, ...slots } = this.#tensors;
    const download = (tensor: Tensor) => this.order.fromDevice(tensor.dataSync() as Float32Array);
    this.#host ??= {
      parameters: download(parameters),
      buffers: download(buffers),
      slots: Object.fromEntries(Object.entries(slots).map(([name, tensor]) => [name, download(tensor)])),
      steps: this.#steps,
    };
    return this.#host;
  }

  dispose(): void {
    this.tf.dispose(this.#tensors);
  }

  #replace(tensors: StateTensors, steps: number): void {
    const old = this.#tensors;
    this.#tensors = tensors;
    this.#steps = steps;
    this.#host = undefined;
    this.tf.dispose(old);
  }

  #upload({ parameters, buffers, slots }: TrainingState): StateTensors {
    // A copy: TensorFlow.js takes the array as it is when the tensor is first used, by when it may have changed.
    const tensor = (vector: Float32Array): Tensor => this.tf.tensor1d(this.order.toDevice(vector));
    const named = Object.entries(slots).map(([name, vector]) => [name, tensor(vector)]);
    return { ...Object.fromEntries(named), parameters: tensor(parameters), buffers: tensor(buffers) };
  }
}
