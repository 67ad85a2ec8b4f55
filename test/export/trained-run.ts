import { makeSynthetic } from '../../core/data/synthetic.ts';
import type { ModelAccuracy } from '../../core/model-metadata.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import { initializerRoles } from '../../core/onnx/roles.ts';
import { Random } from '../../core/random.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { type Checkpoint, type CheckpointProgress, saveCheckpoint } from '../../core/weights/checkpoint.ts';

export const BEST: ModelAccuracy = {
  top1: 0.75,
  top5: 0.9,
  loss: 1.25,
  images: 2000,
  top1Correct: 1500,
  top5Correct: 1800,
};
export const LAST: ModelAccuracy = { ...BEST, top1: 0.7, top1Correct: 1400 };

/** A complete config.json of the trainer. */
export const CONFIG = {
  model: 'resnet20',
  dataset: 'synthetic',
  trainImages: 10_000,
  epochs: 3,
  batchSize: 128,
  optimizer: 'sgd',
  learningRate: 0.1,
  momentum: 0.9,
  nesterov: false,
  weightDecay: 5e-4,
  schedule: 'onecycle',
  warmupFraction: 0.1,
  labelSmoothing: 0,
  crop: 4,
  flip: true,
  seed: 42,
  engine: 'ort',
};

/** resnet20 with parameters and running statistics as if it had been trained. */
export function trainedGraph(seed: number, numClasses = 100): Graph {
  const graph = buildModel('resnet20', { numClasses });
  initializeParameters(graph, seed);
  const random = new Random(seed, 99);
  for (const node of graph.nodes) {
    if (node.op !== 'BatchNormalization') continue;
    const [scale, shift, mean, variance] = node.inputs
      .slice(1)
      .map((name) => graph.initializers.get(name)!.data as Float32Array);
    for (let c = 0; c < scale!.length; c++) {
      scale![c] = 0.5 + random.uniform();
      shift![c] = 0.3 * random.normal();
      mean![c] = 0.3 * random.normal();
      variance![c] = 0.5 + random.uniform();
    }
  }
  return graph;
}

/** The tensors of a checkpoint of a graph, with some optimiser state beside them as the trainer saves it. */
export function tensorsOf(graph: Graph): Checkpoint['tensors'] {
  const { parameters, buffers } = initializerRoles(graph);
  const tensors: Checkpoint['tensors'] = new Map();
  for (const name of [...parameters, ...buffers]) {
    const { dims, data } = graph.initializers.get(name)!;
    tensors.set(name, { dims, data: data as Float32Array });
  }
  tensors.set('optimizer.momentum.fc.bias', { dims: [2], data: Float32Array.of(1, 2) });
  return tensors;
}

export interface RunContents {
  config?: Record<string, unknown>;
  progress?: CheckpointProgress;
  /** Default: both. */
  checkpoints?: ('best' | 'last')[];
  /** What the classifier's bias is multiplied by; default 1. */
  scale?: number;
}

/** Writes a run of resnet20 whose `best` has the weights of seed 1 and whose `last` those of seed 2. */
export async function writeRun(path: string, contents: RunContents = {}): Promise<RunDirectory> {
  const { config = CONFIG, checkpoints = ['best', 'last'] } = contents;
  const progress = contents.progress ?? { epoch: 3, batch: 0, accuracy: LAST, best: BEST };
  const run = await RunDirectory.create('test', path);
  await run.writeConfig(config);
  const numClasses = makeSynthetic({ splits: [] }).labels.length;
  for (const which of checkpoints) {
    const tensors = tensorsOf(trainedGraph(which === 'best' ? 1 : 2, numClasses));
    const bias = tensors.get('fc.bias')!;
    bias.data = bias.data.map((value) => value * (contents.scale ?? 1));
    await saveCheckpoint(run.checkpointPath(which), { tensors, progress });
  }
  return run;
}
