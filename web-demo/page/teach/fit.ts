import { ClassificationMetrics } from '../../../core/metrics/classification-metrics.ts';
import type { ConfusionMatrix } from '../../../core/metrics/confusion-matrix.ts';
import type { ModelAccuracy } from '../../../core/model-metadata.ts';
import type { Graph } from '../../../core/onnx/graph.ts';
import { encodeModel } from '../../../core/onnx/model-file.ts';
import { Random } from '../../../core/random.ts';
import { openSession, tensor } from '../../../core/runtime/session.ts';
import { epochOrder } from '../../../train/loader/epoch-order.ts';
import { type LabelledBatch, trainLoop } from '../../../train/loop.ts';
import type { OptimizerConfig } from '../../../train/optim/config.ts';
import type { ScheduleConfig } from '../../../train/schedule/schedule.ts';
import { vectorLayout, withVector } from '../../../train/state.ts';
import { fillTargets } from '../../../train/targets.ts';
import { nextMessage } from '../worker/next-message.ts';
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
  signal: AbortSignal;
  onEpoch: (epoch: LessonEpoch) => void;
}

const LARGEST_BATCH = 32;

/**
 * Trains a graph (input [batch, ...], output [batch, classes]) and measures it on held-out data after each
 * epoch. Stopping keeps what was learnt.
 * @returns the graph with the trained weights, and its accuracy on the held-out data, if there is any
 * @throws UserError if the weights grow beyond all bounds
 */
export async function fit(
  graph: Graph,
  train: TrainingData,
  heldOut: TrainingData,
  options: FitOptions,
): Promise<{ graph: Graph; accuracy?: ModelAccuracy }> {
  const { classes, epochs, seed, signal } = options;
  const batchSize = Math.min(LARGEST_BATCH, train.count);
  const layout = vectorLayout(graph);
  const engine = await WebEngine.create(graph, batchSize, options.optimizer);
  const trained = (): Graph => {
    const { parameters, buffers } = engine.state;
    return withVector(withVector(graph, layout.parameters, parameters), layout.buffers, buffers);
  };
  const measure = async () => (heldOut.count > 0 ? evaluate(trained(), heldOut, classes) : undefined);
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
      batchesPerEpoch: Math.floor(train.count / batchSize),
      batches: (epoch) => batchesOf(train, { batchSize, classes, seed, epoch }),
      evaluate: measure,
      stopping: () => signal.aborted,
      observers: [
        {
          // A stop, or a picture to classify, may have come in meanwhile.
          onStep: nextMessage,
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
    return { graph: trained(), ...(accuracy ? { accuracy } : {}) };
  } finally {
    await engine.close();
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

/** @param confusion counts what is taken for what too */
export async function evaluate(
  graph: Graph,
  data: TrainingData,
  classes: number,
  confusion?: ConfusionMatrix,
): Promise<ModelAccuracy> {
  const session = await openSession(encodeModel(graph));
  try {
    const metrics = new ClassificationMetrics(classes);
    const dims = graph.inputs[0]!.dims.slice(1).map(Number);
    const random = new Random(0);
    for (let first = 0; first < data.count; first += LARGEST_BATCH) {
      const n = Math.min(LARGEST_BATCH, data.count - first);
      const values = new Float32Array(n * data.length);
      for (let i = 0; i < n; i++) data.write(first + i, values, i * data.length, random);
      const results = await session.run({ [graph.inputs[0]!.name]: tensor(values, [n, ...dims]) });
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
