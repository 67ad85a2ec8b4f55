import { UserError } from '../../../core/errors.ts';
import { type Dim, type Graph, sizeOf } from '../../../core/onnx/graph.ts';
import { type InferenceSession, openSession, tensor } from '../../../core/runtime/session.ts';
import { Thread } from '../../../core/workers/thread.ts';
import { dropoutStep } from '../../gradients/families/dropout.ts';
import { detectBlockSize } from '../../lowering/ort/block-size.ts';
import {
  buildGradientGraph,
  buildUpdateGraph,
  DROPOUT_STEP,
  encodeStep,
} from '../../lowering/ort/step-graph.ts';
import { frozenOf, type OptimizerConfig } from '../../optim/config.ts';
import { AlternatingState, initialState, type TrainingState, vectorLayout } from '../../state.ts';
import type { StepResult, TrainingEngine } from '../engine.ts';
import { updateFeeds, updateFetches } from '../ort-engine.ts';
import type { ReplicaCalls, ReplicaSetup } from './replica-worker.ts';

export interface ReplicaEngineOptions {
  batchSize: number;
  optimizer: OptimizerConfig;
  /** Threads that each compute the gradient of a share of the batch at the same time. */
  replicas: number;
  /** Parts that each share is worked through in, one after the other, to need less memory; default 1. */
  accumulate?: number | undefined;
  /** Threads of a lone replica; default one a core. */
  threads?: number | undefined;
  /** Channels in an NCHWc block; default what this machine has. 0: plain layouts, the same on every machine. */
  blockSize?: number;
  /** Default train. */
  batchNorm?: 'train' | 'frozen' | undefined;
  /** Decides what Dropout drops; default 0. */
  seed?: number | undefined;
}

/** A thread that computes the gradient of its share of every batch, and the memory that both sides see. */
interface Replica {
  thread: Thread<ReplicaCalls>;
  setup: ReplicaSetup;
}

function startReplica(setup: ReplicaSetup): Replica {
  const module = new URL('./replica-worker.ts', import.meta.url);
  const thread = new Thread<ReplicaCalls>(module, {
    what: 'a training replica',
    name: 'replica',
    data: setup,
  });
  return { thread, setup };
}

/**
 * Data-parallel training on the cores of one machine: each replica computes the gradient of an equal share of
 * the batch; the mean gradient drives one optimiser. Small nets train about twice as fast on two cores this
 * way, for their operators are too short to split among threads. With `accumulate`, the batch is worked
 * through in several rounds and the gradients are summed (gradient accumulation).
 *
 * As in PyTorch's DistributedDataParallel, batch norm sees the share, not the whole batch; the running
 * statistics are the mean over the replicas, and are updated once a round.
 */
export class ReplicaEngine implements TrainingEngine {
  readonly name = 'ort';
  readonly #state: AlternatingState;
  readonly #gradient: Float32Array;
  readonly #logits: Float32Array;

  private constructor(
    private readonly update: InferenceSession,
    private readonly optimizer: OptimizerConfig,
    private readonly replicas: readonly Replica[],
    private readonly rounds: number,
    private readonly seed: number,
    initial: TrainingState,
  ) {
    this.#state = new AlternatingState(initial);
    this.#gradient = new Float32Array(initial.parameters.length);
    this.#logits = new Float32Array(rounds * replicas.length * replicas[0]!.setup.logits.length);
  }

  /** @throws UserError if the batch cannot be shared out equally, or the model cannot be trained */
  static async create(model: Graph, options: ReplicaEngineOptions): Promise<ReplicaEngine> {
    const { batchSize, optimizer, replicas: count, accumulate = 1, threads = 0, seed = 0 } = options;
    const parts = count * accumulate;
    if (batchSize % parts !== 0) {
      throw new UserError(
        `a batch of ${batchSize} cannot be shared out equally to ${count} replicas x ${accumulate} parts; change one of them`,
      );
    }
    const layout = vectorLayout(model);
    const share = batchSize / parts;
    const blockSize = options.blockSize ?? (await detectBlockSize());
    const config = { batchSize: share, blockSize, frozen: frozenOf(optimizer), batchNorm: options.batchNorm };
    const gradient = buildGradientGraph(model, layout, config);
    const graph = encodeStep(gradient);
    const drops = gradient.inputs.some(({ name }) => name === DROPOUT_STEP);
    const withShare = (dims: readonly Dim[]) => dims.map((dim) => (typeof dim === 'number' ? dim : share));
    const targetDims = withShare(model.outputs[0]!.dims);
    const parameters = shared(layout.parameterSize);
    const buffers = shared(layout.bufferSize);
    const replicas = Array.from({ length: count }, () =>
      startReplica({
        graph,
        dropoutInput: drops ? DROPOUT_STEP : undefined,
        // Alone, a replica has all cores; beside others, one thread that has nobody to wait for.
        threads: count === 1 ? threads : 1,
        imageDims: withShare(model.inputs[0]!.dims),
        targetDims,
        parameters,
        buffers,
        gradient: shared(layout.parameterSize),
        nextBuffers: shared(layout.bufferSize),
        logits: shared(sizeOf(targetDims)),
      }),
    );
    try {
      await Promise.all(replicas.map((replica) => replica.thread.call('open', undefined)));
      const updateGraph = encodeStep(buildUpdateGraph(model.name, layout, optimizer));
      const update = await openSession(updateGraph, { threads: 1, int8: false });
      const initial = initialState(model, layout, optimizer);
      return new ReplicaEngine(update, optimizer, replicas, accumulate, seed, initial);
    } catch (error) {
      await Promise.all(replicas.map((replica) => replica.thread.end()));
      throw error;
    }
  }

  get state(): TrainingState {
    return this.#state.current;
  }

  load(state: TrainingState): void {
    this.#state.load(state);
  }

  async step(images: Float32Array, targets: Float32Array, learningRate: number): Promise<StepResult> {
    const { current, next } = this.#state;
    const { setup } = this.replicas[0]!;
    setup.parameters.set(current.parameters);
    next.buffers.set(current.buffers);
    this.#gradient.fill(0);
    let lossSum = 0;
    for (let round = 0; round < this.rounds; round++) {
      setup.buffers.set(next.buffers);
      lossSum += await this.#round(round, images, targets);
      next.buffers.fill(0);
      for (const replica of this.replicas)
        addTo(next.buffers, replica.setup.nextBuffers, this.replicas.length);
    }
    const feeds = {
      ...updateFeeds(current, this.optimizer, learningRate),
      gradient: tensor(this.#gradient),
      next_buffers: tensor(next.buffers),
    };
    await this.update.run(feeds, updateFetches(next));
    this.#state.advance();
    return { loss: lossSum / this.#parts, logits: this.#logits };
  }

  /** All replicas at once on a share each: adds to the gradient, keeps the logits, gives the sum of losses. */
  async #round(round: number, images: Float32Array, targets: Float32Array): Promise<number> {
    const { replicas } = this;
    const share = (array: Float32Array, part: number) => {
      const size = array.length / this.#parts;
      // A copy, for it moves to the replica and the loader uses the whole batch's buffer again.
      return array.slice(part * size, (part + 1) * size);
    };
    const first = round * replicas.length;
    const firstPart = this.#state.current.steps * this.#parts + first;
    const losses = await Promise.all(
      replicas.map(({ thread }, i) => {
        const part = {
          images: share(images, first + i),
          targets: share(targets, first + i),
          dropoutStep: dropoutStep(this.seed, firstPart + i + 1),
        };
        return thread.call('step', part, { transfer: [part.images.buffer, part.targets.buffer] });
      }),
    );
    replicas.forEach(({ setup }, i) => {
      addTo(this.#gradient, setup.gradient, this.#parts);
      this.#logits.set(setup.logits, (first + i) * setup.logits.length);
    });
    return losses.reduce((sum, loss) => sum + loss, 0);
  }

  get #parts(): number {
    return this.replicas.length * this.rounds;
  }

  async close(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.thread.end()));
    await this.update.release();
  }
}

function shared(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
}

/** sum += vector / count */
function addTo(sum: Float32Array, vector: Float32Array, count: number): void {
  for (let i = 0; i < sum.length; i++) sum[i]! += vector[i]! / count;
}
