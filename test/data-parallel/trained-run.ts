import type { ImageDataset } from '../../core/data/dataset.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import type { Graph } from '../../core/onnx/graph.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { loadCheckpoint } from '../../core/weights/checkpoint.ts';
import type { TensorFile } from '../../core/weights/safetensors.ts';
import { saveLast } from '../../train/checkpointing.ts';
import { ReplicaEngine } from '../../train/engine/replicas/replica-engine.ts';
import { optimizerOf } from '../../train/optim/config.ts';
import type { TrainConfig } from '../../train/recipe/settings.ts';
import { learningRateAt } from '../../train/schedule/schedule.ts';
import { writeStepFiles } from '../../train/step-files/write-step-files.ts';
import { createRun } from '../../train/trainer.ts';
import { CONFIG } from '../train/support/tiny-run.ts';
import type { Batches } from './batch-file.ts';

/** What is trained, and how. */
export interface Setting {
  model: string;
  dataset: ImageDataset;
  batchSize: number;
  shares: number;
  steps: number;
  /** What the config has beside. */
  recipe: Pick<TrainConfig, 'optimizer' | 'learningRate' | 'momentum' | 'nesterov' | 'weightDecay'> &
    Pick<TrainConfig, 'schedule'> &
    Partial<Pick<TrainConfig, 'emaDecay' | 'clipNorm'>>;
}

/** The zoo model with the weights that every way of training it starts from. */
export function startingModel({ model, dataset }: Setting): Graph {
  const graph = buildModel(model, { numClasses: dataset.labels.length, imageSize: dataset.height });
  initializeParameters(graph, 5);
  return graph;
}

/** The config of a run of one epoch. */
export function configOf({ model, dataset, batchSize, shares, steps, recipe }: Setting): TrainConfig {
  return {
    ...CONFIG,
    model,
    dataset: dataset.name,
    trainImages: batchSize * steps,
    epochs: 1,
    batchSize,
    ...recipe,
    warmupFraction: 0.3,
    labelSmoothing: 0.1,
    crop: 4,
    flip: true,
    seed: 3,
    engine: 'ort',
    replicas: shares,
    labels: dataset.labels,
  };
}

/** A run directory with step graphs, nothing of it trained yet. */
export async function untrainedRun(path: string, setting: Setting): Promise<RunDirectory> {
  const config = configOf(setting);
  const run = await createRun(config, setting.dataset, path);
  await writeStepFiles(run, startingModel(setting), config, { shares: setting.shares });
  return run;
}

export interface ReplicasOptions {
  /** 0: with the operators of the step graph instead of this machine's blocked ones. */
  blockSize?: 0;
  /** Start from weights of which one tensor differs in the last bit. */
  nudged?: boolean;
}

/** The checkpoint that `npm run train -- --replicas N` leaves, N the number of shares. */
export async function trainedByReplicas(
  path: string,
  setting: Setting,
  batches: Batches,
  { blockSize, nudged = false }: ReplicasOptions = {},
): Promise<TensorFile['tensors']> {
  const { batchSize, shares, steps } = setting;
  const config = configOf(setting);
  const run = await RunDirectory.create('replicas', path);
  const model = startingModel(setting);
  if (nudged) nudge(model);
  const optimizer = optimizerOf(config);
  const engine = await ReplicaEngine.create(model, {
    batchSize,
    optimizer,
    replicas: shares,
    ...(blockSize === undefined ? {} : { blockSize }),
  });
  try {
    for (let step = 0; step < steps; step++) {
      const rate = learningRateAt(config, steps, step);
      await engine.step(batches.images[step]!, batches.targets[step]!, rate);
    }
    await saveLast(run, model, engine.state, { epoch: 1, batch: 0 });
  } finally {
    await engine.close();
  }
  return lastOf(run);
}

/** Changes the first convolution's weights by a unit in the last place. */
function nudge(model: Graph): void {
  const { data } = model.initializers.get('conv1.weight')!;
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  for (let i = 0; i < bits.length; i++) bits[i]! ^= 1;
}

export async function lastOf(run: RunDirectory): Promise<TensorFile['tensors']> {
  return (await loadCheckpoint(run.checkpointPath('last'))).tensors;
}
