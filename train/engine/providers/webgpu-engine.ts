import { GraphBuilder } from '../../../core/onnx/builder.ts';
import { type Graph, sizeOf } from '../../../core/onnx/graph.ts';
import {
  type InferenceSession,
  openSession,
  type SessionOptions,
  tensor,
} from '../../../core/runtime/session.ts';
import { encodeStep } from '../../lowering/ort/step-graph.ts';
import type { OptimizerConfig } from '../../optim/config.ts';
import { checkLossScale, LOSS_SCALE_SLOT } from '../../optim/loss-scaling.ts';
import { copyState, type TrainingState } from '../../state.ts';
import type { StepResult, TrainingEngine } from '../engine.ts';
import {
  DropoutFeeds,
  type PreparedStep,
  prepareStep,
  type StepOptions,
  scalarFeeds,
  stateFeeds,
  type Tensors,
} from '../ort-engine.ts';

const SESSION_OPTIONS: SessionOptions = {
  // Every step asks for the same sizes; buckets of sizes would only take more memory.
  executionProviders: [{ name: 'webgpu', storageBufferCacheMode: 'simple' }],
  int8: false,
};

/**
 * Trains on a GPU through onnxruntime's WebGPU provider. Weights, running statistics and the optimiser's
 * memory stay in the GPU's buffers from step to step; a step sends a batch and brings back loss and logits.
 */
export class WebGpuEngine implements TrainingEngine {
  readonly name = 'ort';
  /** What the next step reads: in this process's memory after `load`, else in the GPU's buffers. */
  #state: Tensors;
  #steps: number;
  readonly #dropout: DropoutFeeds;

  private constructor(
    private readonly session: InferenceSession,
    private readonly download: InferenceSession,
    private readonly optimizer: OptimizerConfig,
    private readonly prepared: PreparedStep,
    seed: number,
  ) {
    this.#dropout = new DropoutFeeds(prepared.graph, seed);
    this.#state = hostTensors(prepared.initial);
    this.#steps = 0;
  }

  /**
   * Differentiates the model and prepares its step; the state starts as the model's own weights.
   * @throws UserError if the model has an operator that cannot be trained
   */
  static async create(model: Graph, options: Omit<StepOptions, 'provider'>): Promise<WebGpuEngine> {
    const prepared = await prepareStep(model, { ...options, provider: 'webgpu' });
    const names = Object.keys(hostTensors(prepared.initial));
    const session = await openSession(encodeStep(prepared.graph), {
      ...SESSION_OPTIONS,
      preferredOutputLocation: Object.fromEntries(
        prepared.graph.outputs.map(({ name }) => [name, staysOnDevice(name) ? 'gpu-buffer' : 'cpu']),
      ),
    });
    const copies = encodeStep(copyingGraph(prepared.graph, names));
    const download = await openSession(copies, SESSION_OPTIONS);
    return new WebGpuEngine(session, download, options.optimizer, prepared, options.seed ?? 0);
  }

  get state(): Promise<TrainingState> {
    return this.#read();
  }

  load(state: TrainingState): void {
    this.#replace(hostTensors(copyState(state)));
    this.#steps = state.steps;
  }

  async step(images: Float32Array, targets: Float32Array, learningRate: number): Promise<StepResult> {
    const { imageDims, targetDims, graph } = this.prepared;
    const results = await this.session.run({
      images: tensor(images, imageDims),
      targets: tensor(targets, targetDims),
      ...this.#state,
      ...scalarFeeds(this.optimizer, learningRate, this.#steps + 1),
      ...this.#dropout.of(this.#steps + 1),
    });
    const next = graph.outputs.filter(({ name }) => name.startsWith('next_'));
    this.#replace(Object.fromEntries(next.map(({ name }) => [name.slice('next_'.length), results[name]!])));
    this.#steps++;
    const scale = this.#state[LOSS_SCALE_SLOT];
    if (scale) checkLossScale({ [LOSS_SCALE_SLOT]: scale.data as Float32Array });
    return {
      loss: (results.loss!.data as Float32Array)[0]!,
      logits: results.logits!.data as Float32Array,
    };
  }

  /** onnxruntime-node cannot read a GPU buffer itself; a graph that copies its inputs brings them. */
  async #read(): Promise<TrainingState> {
    const memory = Object.fromEntries(
      Object.entries(this.#state).map(([name, { dims }]) => [name, new Float32Array(sizeOf(dims))]),
    );
    const fetches = Object.entries(memory).map(([name, data]) => [`host_${name}`, tensor(data)]);
    await this.download.run(this.#state, Object.fromEntries(fetches));
    const { parameters, buffers, ...slots } = memory;
    return { parameters: parameters!, buffers: buffers!, slots, steps: this.#steps };
  }

  /** GPU buffers are not garbage collected soon enough. */
  #replace(state: Tensors): void {
    for (const old of Object.values(this.#state)) if (old.location === 'gpu-buffer') old.dispose();
    this.#state = state;
  }

  async close(): Promise<void> {
    this.#replace({});
    await this.session.release();
    await this.download.release();
  }
}

function hostTensors(state: TrainingState): Tensors {
  return { ...stateFeeds(state), buffers: tensor(state.buffers) };
}

function staysOnDevice(output: string): boolean {
  // The host reads the loss scale after every step.
  return output.startsWith('next_') && output !== `next_${LOSS_SCALE_SLOT}`;
}

/** A graph whose outputs `host_<name>` are its inputs, those of the step graph that have the names. */
function copyingGraph(step: Graph, names: readonly string[]): Graph {
  const b = new GraphBuilder('download');
  for (const { name, dtype, dims } of step.inputs) {
    if (!names.includes(name)) continue;
    b.input(name, dtype, dims);
    b.node('Identity', [name], {}, { name: `host_${name}` });
    b.output(`host_${name}`, dtype, dims);
  }
  return b.graph;
}
