import * as ort from 'onnxruntime-node';
import { type Dim, type Graph, sizeOf } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import type { OptimizerConfig } from '../optim/config.ts';
import { vectorLayout } from '../step/parameter-vector.ts';
import { buildStepGraph } from '../step/step-graph.ts';
import { detectBlockSize } from './block-size.ts';
import type { StepResult, TrainingEngine } from './engine.ts';
import { AlternatingState, initialState, type TrainingState } from './state.ts';
import { tensor, updateFeeds, updateFetches } from './tensors.ts';

export interface OrtEngineOptions {
  batchSize: number;
  optimizer: OptimizerConfig;
  /** Threads for one operator; default: onnxruntime's, one a core. */
  threads?: number | undefined;
}

/** Trains a classifier by running its training-step graph in onnxruntime on the CPU. */
export class OrtEngine implements TrainingEngine {
  readonly name = 'ort';
  readonly #state: AlternatingState;
  readonly #logits: Float32Array;
  readonly #loss = new Float32Array(1);

  private constructor(
    private readonly session: ort.InferenceSession,
    private readonly optimizer: OptimizerConfig,
    private readonly imageDims: number[],
    private readonly targetDims: number[],
    initial: TrainingState,
  ) {
    this.#state = new AlternatingState(initial);
    this.#logits = new Float32Array(sizeOf(targetDims));
  }

  /**
   * Differentiates the model and prepares its step; the state starts as the model's own weights.
   * @throws UserError if the model has an operator that cannot be trained
   */
  static async create(model: Graph, options: OrtEngineOptions): Promise<OrtEngine> {
    const { batchSize, optimizer, threads } = options;
    const layout = vectorLayout(model);
    const blockSize = await detectBlockSize();
    const graph = buildStepGraph(model, layout, { batchSize, optimizer, blockSize });
    const session = await ort.InferenceSession.create(encodeModel(graph), {
      logSeverityLevel: 3,
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    });
    const withBatch = (dims: readonly Dim[]) =>
      dims.map((dim) => (typeof dim === 'number' ? dim : batchSize));
    const [imageDims, targetDims] = [withBatch(model.inputs[0]!.dims), withBatch(model.outputs[0]!.dims)];
    const initial = initialState(model, layout, optimizer);
    return new OrtEngine(session, optimizer, imageDims, targetDims, initial);
  }

  get state(): TrainingState {
    return this.#state.current;
  }

  load(state: TrainingState): void {
    this.#state.load(state);
  }

  async step(images: Float32Array, targets: Float32Array, learningRate: number): Promise<StepResult> {
    const { current, next } = this.#state;
    const feeds = {
      images: tensor(images, this.imageDims),
      targets: tensor(targets, this.targetDims),
      buffers: tensor(current.buffers),
      ...updateFeeds(current, this.optimizer, learningRate),
    };
    const fetches = {
      loss: tensor(this.#loss, []),
      logits: tensor(this.#logits, this.targetDims),
      next_buffers: tensor(next.buffers),
      ...updateFetches(next),
    };
    await this.session.run(feeds, fetches);
    this.#state.advance();
    return { loss: this.#loss[0]!, logits: this.#logits };
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}
