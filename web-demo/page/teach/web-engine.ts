import { type Dim, type Graph, sizeOf } from '../../../core/onnx/graph.ts';
import { type InferenceSession, openSession, tensor } from '../../../core/runtime/session.ts';
import type { StepResult, TrainingEngine } from '../../../train/engine/engine.ts';
import { updateFeeds } from '../../../train/engine/ort-engine.ts';
import { buildStepGraph, encodeStep } from '../../../train/lowering/ort/step-graph.ts';
import type { OptimizerConfig } from '../../../train/optim/config.ts';
import { copyState, initialState, type TrainingState, vectorLayout } from '../../../train/state.ts';
import '../worker/runtime.ts';

/**
 * Trains a classifier in the browser: the trainer's own step graph, run by onnxruntime-web on WebAssembly.
 * Unlike the trainer's engine it takes what the session allocates, since onnxruntime-web does not write into
 * memory of the caller.
 */
export class WebEngine implements TrainingEngine {
  readonly name = 'ort-web';
  #state: TrainingState;

  private constructor(
    private readonly session: InferenceSession,
    private readonly optimizer: OptimizerConfig,
    private readonly imageDims: number[],
    private readonly targetDims: number[],
    initial: TrainingState,
  ) {
    this.#state = initial;
  }

  /**
   * Differentiates the model and prepares its step; the state starts as the model's own weights.
   * @throws UserError if the model has an operator that cannot be trained
   */
  static async create(model: Graph, batchSize: number, optimizer: OptimizerConfig): Promise<WebEngine> {
    const layout = vectorLayout(model);
    // WebAssembly has none of the kernels for blocked layouts.
    const graph = buildStepGraph(model, layout, { batchSize, optimizer, blockSize: 0 });
    const session = await openSession(encodeStep(graph));
    const withBatch = (dims: readonly Dim[]): number[] =>
      dims.map((dim) => (typeof dim === 'number' ? dim : batchSize));
    const [imageDims, targetDims] = [withBatch(model.inputs[0]!.dims), withBatch(model.outputs[0]!.dims)];
    return new WebEngine(session, optimizer, imageDims, targetDims, initialState(model, layout, optimizer));
  }

  get state(): TrainingState {
    return this.#state;
  }

  load(state: TrainingState): void {
    this.#state = copyState(state);
  }

  async step(images: Float32Array, targets: Float32Array, learningRate: number): Promise<StepResult> {
    const state = this.#state;
    const results = await this.session.run({
      images: tensor(images.subarray(0, sizeOf(this.imageDims)), this.imageDims),
      targets: tensor(targets.subarray(0, sizeOf(this.targetDims)), this.targetDims),
      buffers: tensor(state.buffers),
      ...updateFeeds(state, this.optimizer, learningRate),
    });
    const floats = (name: string): Float32Array => results[name]!.data as Float32Array;
    this.#state = {
      parameters: floats('next_parameters'),
      buffers: floats('next_buffers'),
      slots: Object.fromEntries(Object.keys(state.slots).map((slot) => [slot, floats(`next_${slot}`)])),
      steps: state.steps + 1,
    };
    return { loss: floats('loss')[0]!, logits: floats('logits') };
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}
