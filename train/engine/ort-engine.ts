import * as ort from 'onnxruntime-node';
import type { Dim, Graph } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { packVector, type VectorLayout, vectorLayout } from '../step/parameter-vector.ts';
import type { SgdConfig } from '../step/sgd.ts';
import { buildStepGraph } from '../step/step-graph.ts';
import { detectBlockSize } from './block-size.ts';
import { copyState, type StepResult, type TrainingEngine, type TrainingState } from './engine.ts';

export interface OrtEngineOptions {
  batchSize: number;
  optimizer: SgdConfig;
  /** Threads for one operator; default: onnxruntime's, one a core. */
  threads?: number;
}

type Tensors = Record<string, ort.Tensor>;

/** Trains a classifier by running its training-step graph in onnxruntime on the CPU. */
export class OrtEngine implements TrainingEngine {
  readonly name = 'ort';
  #current: TrainingState;
  #next: TrainingState;
  readonly #logits: Float32Array;
  readonly #loss = new Float32Array(1);

  private constructor(
    private readonly session: ort.InferenceSession,
    private readonly imageDims: number[],
    private readonly targetDims: number[],
    initial: TrainingState,
  ) {
    this.#current = initial;
    this.#next = copyState(initial);
    this.#logits = new Float32Array(targetDims.reduce((n, dim) => n * dim, 1));
  }

  /**
   * Differentiates the model and prepares its step; the state starts as the model's own weights.
   * @throws UserError if the model has an operator that cannot be trained
   */
  static async create(model: Graph, options: OrtEngineOptions): Promise<OrtEngine> {
    const layout: VectorLayout = vectorLayout(model);
    const blockSize = await detectBlockSize();
    const { batchSize, optimizer } = options;
    const graph = buildStepGraph(model, layout, { batchSize, optimizer, blockSize });
    const session = await ort.InferenceSession.create(encodeModel(graph), {
      ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
    });
    const initial = {
      parameters: packVector(model, layout.parameters),
      buffers: packVector(model, layout.buffers),
      momentum: new Float32Array(layout.parameterSize),
    };
    const withBatch = (dims: readonly Dim[]) =>
      dims.map((dim) => (typeof dim === 'number' ? dim : batchSize));
    return new OrtEngine(
      session,
      withBatch(model.inputs[0]!.dims),
      withBatch(model.outputs[0]!.dims),
      initial,
    );
  }

  get state(): TrainingState {
    return this.#current;
  }

  load(state: TrainingState): void {
    this.#current = copyState(state);
  }

  async step(images: Float32Array, targets: Float32Array, learningRate: number): Promise<StepResult> {
    const { parameters, buffers, momentum } = this.#current;
    const next = this.#next;
    const feeds: Tensors = {
      images: tensor(images, this.imageDims),
      targets: tensor(targets, this.targetDims),
      learning_rate: tensor(Float32Array.of(learningRate), []),
      parameters: tensor(parameters),
      momentum: tensor(momentum),
      buffers: tensor(buffers),
    };
    // The next state is written into memory we own: two sets that change places every step.
    const fetches: Tensors = {
      loss: tensor(this.#loss, []),
      logits: tensor(this.#logits, this.targetDims),
      next_parameters: tensor(next.parameters),
      next_momentum: tensor(next.momentum),
      next_buffers: tensor(next.buffers),
    };
    await this.session.run(feeds, fetches);
    this.#next = this.#current;
    this.#current = next;
    return { loss: this.#loss[0]!, logits: this.#logits };
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}

function tensor(data: Float32Array, dims: readonly number[] = [data.length]): ort.Tensor {
  return new ort.Tensor('float32', data, dims);
}
