import { type Dim, type Graph, sizeOf } from '../../../core/onnx/graph.ts';
import { type InferenceSession, openSession, type Tensor } from '../../../core/runtime/session.ts';
import { whyNotOnWebGpu } from '../../../core/runtime/webgpu-refusals.ts';
import type { StepResult, TrainingEngine } from '../../../train/engine/engine.ts';
import { dropoutStep } from '../../../train/gradients/families/dropout.ts';
import {
  buildStepGraph,
  DROPOUT_STEP,
  encodeStep,
  type StepConfig,
} from '../../../train/lowering/ort/step-graph.ts';
import { updateScalars } from '../../../train/optim/config.ts';
import { initialState, type TrainingState, vectorLayout } from '../../../train/state.ts';
import type { Backend } from '../worker/protocol.ts';
import { loadRuntime } from '../worker/session.ts';

export interface WebEngineOptions extends Pick<StepConfig, 'batchSize' | 'optimizer' | 'batchNorm'> {
  backend: Backend;
  /** Decides what Dropout drops. */
  seed: number;
}

type MakeTensor = (data: Float32Array, dims?: readonly number[]) => Tensor;

/**
 * Trains a classifier in the browser: the trainer's own step graph, run by onnxruntime-web on WebAssembly, or on WebGPU,
 * where weights and the optimiser's memory stay on the graphics card from step to step. Unlike the trainer's engine it
 * takes what the session allocates, since onnxruntime-web does not write into memory of the caller.
 */
export class WebEngine implements TrainingEngine {
  readonly name = 'ort-web';
  readonly #drops: boolean;
  /** `parameters`, `buffers` and the slots. */
  #state: Record<string, Tensor> = {};
  #steps = 0;

  private constructor(
    private readonly session: InferenceSession,
    private readonly tensor: MakeTensor,
    graph: Graph,
    private readonly dims: { images: number[]; targets: number[] },
    private readonly options: WebEngineOptions,
  ) {
    this.#drops = graph.inputs.some(({ name }) => name === DROPOUT_STEP);
  }

  /**
   * Differentiates the model and prepares its step; the state starts as the model's own weights.
   * @throws UserError if the model has an operator that cannot be trained; Error if WebGPU would compute the step wrongly
   */
  static async create(model: Graph, options: WebEngineOptions): Promise<WebEngine> {
    const { backend, ...config } = options;
    const layout = vectorLayout(model);
    // WebAssembly has none of the kernels for blocked layouts.
    const graph = buildStepGraph(model, layout, {
      ...config,
      blockSize: 0,
      portable: backend === 'webgpu',
    });
    const trouble = backend === 'webgpu' ? whyNotOnWebGpu(graph) : undefined;
    // No refusal of the model: WebAssembly trains it.
    if (trouble !== undefined) throw new Error(trouble);
    const { ort } = await loadRuntime(backend);
    const session = await openSession(
      encodeStep(graph),
      {
        executionProviders: [backend],
        ...(backend === 'webgpu' && {
          preferredOutputLocation: Object.fromEntries(
            graph.outputs.map(({ name }) => [name, staysOnDevice(name) ? 'gpu-buffer' : 'cpu']),
          ),
        }),
      },
      ort,
    );
    const withBatch = (dims: readonly Dim[]): number[] =>
      dims.map((dim) => (typeof dim === 'number' ? dim : config.batchSize));
    const dims = { images: withBatch(model.inputs[0]!.dims), targets: withBatch(model.outputs[0]!.dims) };
    const tensor: MakeTensor = (data, dims = [data.length]) => new ort.Tensor('float32', data, dims);
    const engine = new WebEngine(session, tensor, graph, dims, options);
    engine.load(initialState(model, layout, config.optimizer));
    return engine;
  }

  get state(): Promise<TrainingState> {
    return this.#read();
  }

  async #read(): Promise<TrainingState> {
    const read: Record<string, Float32Array> = {};
    for (const [name, tensor] of Object.entries(this.#state))
      read[name] = (await tensor.getData()) as Float32Array;
    const { parameters, buffers, ...slots } = read;
    return { parameters: parameters!, buffers: buffers!, slots, steps: this.#steps };
  }

  load({ parameters, buffers, slots, steps }: TrainingState): void {
    const vectors = { ...slots, parameters, buffers };
    this.#replace(
      Object.fromEntries(
        Object.entries(vectors).map(([name, vector]) => [name, this.tensor(vector.slice())]),
      ),
    );
    this.#steps = steps;
  }

  async step(images: Float32Array, targets: Float32Array, learningRate: number): Promise<StepResult> {
    const { dims } = this;
    const { optimizer, seed } = this.options;
    const step = this.#steps + 1;
    const scalars = Object.entries({
      ...updateScalars(optimizer, learningRate, step),
      ...(this.#drops ? { [DROPOUT_STEP]: dropoutStep(seed, step) } : {}),
    });
    const results = await this.session.run({
      images: this.tensor(images.subarray(0, sizeOf(dims.images)), dims.images),
      targets: this.tensor(targets.subarray(0, sizeOf(dims.targets)), dims.targets),
      ...this.#state,
      ...Object.fromEntries(scalars.map(([name, value]) => [name, this.tensor(Float32Array.of(value), [])])),
    });
    const names = Object.keys(this.#state);
    this.#replace(Object.fromEntries(names.map((name) => [name, results[`next_${name}`]!])));
    this.#steps = step;
    const floats = (name: string): Float32Array => results[name]!.data as Float32Array;
    return { loss: floats('loss')[0]!, logits: floats('logits') };
  }

  /** A graphics card's memory is not garbage collected soon enough. */
  #replace(state: Record<string, Tensor>): void {
    for (const old of Object.values(this.#state)) if (old.location === 'gpu-buffer') old.dispose();
    this.#state = state;
  }

  async close(): Promise<void> {
    this.#replace({});
    await this.session.release();
  }
}

function staysOnDevice(output: string): boolean {
  // A net without batch norm has no running statistics, and WebGPU no buffers of nothing.
  return output.startsWith('next_') && output !== 'next_buffers';
}
