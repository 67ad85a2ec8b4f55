import { errorMessage, UserError } from '../../../core/errors.ts';
import { ClassificationMetrics } from '../../../core/metrics/classification-metrics.ts';
import type { ConfusionMatrix } from '../../../core/metrics/confusion-matrix.ts';
import type { ModelAccuracy } from '../../../core/model-metadata.ts';
import { type Graph, sizeOf } from '../../../core/onnx/graph.ts';
import { encodeModel } from '../../../core/onnx/model-file.ts';
import { foldBatchNorm } from '../../../core/onnx/passes/fold-batch-norm.ts';
import { Random } from '../../../core/random.ts';
import { openSession, tensor } from '../../../core/runtime/session.ts';
import { epochOrder } from '../../../train/loader/epoch-order.ts';
import { type LabelledBatch, trainLoop } from '../../../train/loop.ts';
import type { OptimizerConfig } from '../../../train/optim/config.ts';
import type { ScheduleConfig } from '../../../train/schedule/schedule.ts';
import { vectorLayout, withVector } from '../../../train/state.ts';
import { fillTargets } from '../../../train/targets.ts';
import { nextMessage } from '../worker/next-message.ts';
import type { Backend } from '../worker/protocol.ts';
import '../worker/runtime.ts';
import type { LessonEpoch } from './protocol.ts';
import { WebEngine } from './web-engine.ts';

/** Pictures as a net takes them. */
export interface TrainingData {
  count: number;
  /** Values of one picture's tensor. */
  length: number;
  labels: readonly number[];
  /** Writes the values of picture `index`, differently each time where it is augmented. */
  write(index: number, out: Float32Array, offset: number, random: Random): void;
}

export interface FitOptions {
  classes: number;
  epochs: number;
  seed: number;
  learningRate: number;
  optimizer: OptimizerConfig;
  /** Pictures a step. */
  batchSize: number;
  batchNorm: 'train' | 'frozen';
  backend: Backend;
  signal: AbortSignal;
  onEpoch: (epoch: LessonEpoch) => void;
  /** Called after each step with how many epochs are done, a fraction of the present one with them. */
  onStep: (epochs: number) => void;
}

/** Pictures that are measured at once. */
const MEASURED = 32;

/**
 * Trains a graph (input [batch, ...], output [batch, classes], of any batch or the one asked for) and measures it on held-out data after each
 * epoch. Stopping keeps what was learnt.
 * @returns the graph with the trained weights, and its accuracy on the held-out data, if there is any
 * @throws UserError if the weights grow beyond all bounds
 */
export async function fit(
  graph: Graph,
  train: TrainingData,
  heldOut: TrainingData,
  options: FitOptions,
): Promise<{ graph: Graph; accuracy?: ModelAccuracy; notes: string[] }> {
  const { classes, epochs, seed, signal, batchSize } = options;
  const batchesPerEpoch = Math.floor(train.count / batchSize);
  const layout = vectorLayout(graph);
  const { engine, note } = await createEngine(graph, options);
  const trained = async (): Promise<Graph> => {
    const { parameters, buffers } = await engine.state;
    return withVector(withVector(graph, layout.parameters, parameters), layout.buffers, buffers);
  };
  const measure = async () => (heldOut.count > 0 ? evaluate(await trained(), heldOut, classes) : undefined);
  const schedule = {
    schedule: 'cosine',
    learningRate: options.learningRate,
    epochs,
    warmupFraction: 0.1,
    lrPerEpoch: false,
    milestones: [],
    gamma: 1,
  } satisfies ScheduleConfig;
  let accuracy: ModelAccuracy | undefined;
  const report = (epoch: number, { trainLoss, trainTop1 }: { trainLoss: number; trainTop1: number }) =>
    options.onEpoch({
      ...{ epoch, trainLoss, trainTop1 },
      ...(accuracy && { testTop1: accuracy.top1 }),
    });
  try {
    await trainLoop({
      engine,
      classes,
      schedule,
      batchesPerEpoch,
      batches: (epoch) => batchesOf(train, { batchSize, classes, seed, epoch }),
      evaluate: measure,
      stopping: () => signal.aborted,
      observers: [
        {
          // A stop, or a picture to classify, may have come in meanwhile.
          onStep: ({ progress: { epoch, batch } }) => {
            options.onStep(epoch + batch / batchesPerEpoch);
            return nextMessage();
          },
          onPause: async ({ epoch }, done) => {
            accuracy = await measure();
            report(epoch + 1, done);
          },
          onEpochEnd: ({ entry, progress }) => {
            accuracy = progress.accuracy;
            report(progress.epoch, entry);
          },
        },
      ],
      advice: 'train again with fewer epochs',
    });
    return { graph: await trained(), ...(accuracy ? { accuracy } : {}), notes: note ? [note] : [] };
  } finally {
    await engine.close();
  }
}

/** An engine on what was asked for, or if that cannot run the step, on WebAssembly, and then why. */
async function createEngine(
  graph: Graph,
  options: FitOptions,
): Promise<{ engine: WebEngine; note?: string }> {
  const { backend, batchSize, classes } = options;
  if (backend === 'wasm') return { engine: await WebEngine.create(graph, options) };
  let engine: WebEngine | undefined;
  try {
    engine = await WebEngine.create(graph, options);
    // What opens may still fail when it runs.
    const before = await engine.state;
    const values = batchSize * sizeOf(graph.inputs[0]!.dims.slice(1).map(Number));
    const targets = new Float32Array(batchSize * classes).fill(1 / classes);
    const { loss } = await engine.step(new Float32Array(values), targets, 0);
    if (!Number.isFinite(loss)) throw new Error('its loss is not a number');
    engine.load(before);
    return { engine };
  } catch (error) {
    await engine?.close();
    if (error instanceof UserError) throw error;
    const note = `WebGPU could not train it (${errorMessage(error).split('\n')[0]}); WebAssembly did.`;
    return { engine: await WebEngine.create(graph, { ...options, backend: 'wasm' }), note };
  }
}

/** An epoch's batches, in the memory of one; what does not fill a batch is left for another epoch. */
async function* batchesOf(
  { count, length, labels, write }: TrainingData,
  { batchSize, classes, seed, epoch }: { batchSize: number; classes: number; seed: number; epoch: number },
): AsyncGenerator<LabelledBatch, void, void> {
  const order = epochOrder(count, seed, epoch);
  const random = new Random(seed, epoch);
  const images = new Float32Array(batchSize * length);
  const targets = new Float32Array(batchSize * classes);
  for (let first = 0; first + batchSize <= count; first += batchSize) {
    const chosen = Array.from(order.subarray(first, first + batchSize));
    chosen.forEach((index, i) => void write(index, images, i * length, random));
    const own = chosen.map((index) => labels[index]!);
    fillTargets(own, classes, targets);
    yield { images, targets, labels: own, size: batchSize };
  }
}

/**
 * @param graph its batch may be fixed
 * @param confusion counts what is taken for what too
 */
export async function evaluate(
  graph: Graph,
  data: TrainingData,
  classes: number,
  confusion?: ConfusionMatrix,
): Promise<ModelAccuracy> {
  const session = await openSession(encodeModel(foldBatchNorm(graph)));
  try {
    const metrics = new ClassificationMetrics(classes);
    const [batch, ...dims] = graph.inputs[0]!.dims;
    const count = typeof batch === 'number' ? batch : MEASURED;
    const random = new Random(0);
    const values = new Float32Array(count * data.length);
    for (let first = 0; first < data.count; first += count) {
      const n = Math.min(count, data.count - first);
      for (let i = 0; i < n; i++) data.write(first + i, values, i * data.length, random);
      const results = await session.run({
        [graph.inputs[0]!.name]: tensor(values, [count, ...dims.map(Number)]),
      });
      const logits = results[graph.outputs[0]!.name]!.data as Float32Array;
      const labels = data.labels.slice(first, first + n);
      metrics.add(logits, labels, n);
      confusion?.add(logits, labels, n);
    }
    return metrics.result();
  } finally {
    await session.release();
  }
}
