import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolders } from '../../core/fs/make-folder.ts';
import { loadWeights } from '../../core/weights/load-weights.ts';
import type { TensorFile } from '../../core/weights/safetensors.ts';
import { type Batches, makeBatches, writeBatches } from './batch-file.ts';
import { compareCheckpoints, type Difference } from './compare.ts';
import { torchrun } from './python.ts';
import { lastOf, type Setting, trainedByReplicas, untrainedRun } from './trained-run.ts';

type Tensors = TensorFile['tensors'];

/** How two processes of a step graph compare with another way to train the same batches from the same weights. */
export interface Comparison {
  /** What the two processes are compared with. */
  with: string;
  /** What the difference means. */
  label: string;
  differences: Difference[];
}

/**
 * Trains a step graph in two processes, in one process that works through the same two shares, and with our own
 * engine's two replicas, and compares the checkpoints.
 * @param folder a new or empty one, for all files
 */
export async function compareStepGraph(
  python: string,
  folder: string,
  setting: Setting,
): Promise<Comparison[]> {
  const { batches, file } = await batchesFor(folder, setting);
  const trained = async (processes: number) => {
    const run = await untrainedRun(join(folder, `step-graph-${processes}`), setting);
    await torchrun(python, processes, 'train.py', [run.path, '--batches', file, '--threads', '1']);
    return lastOf(run);
  };
  const [two, one] = await Promise.all([trained(2), trained(1)]);
  const plain = await trainedByReplicas(join(folder, 'plain'), setting, batches, { blockSize: 0 });
  const blocked = await trainedByReplicas(join(folder, 'blocked'), setting, batches);
  return [
    {
      with: 'one process that works through both shares',
      label: 'the same program, without the network',
      differences: compareCheckpoints(two, one),
    },
    {
      with: 'the trainer with two replicas, plain layouts',
      label: 'our engine in Node with the operators of the step graph',
      differences: compareCheckpoints(two, plain),
    },
    {
      with: "the trainer with two replicas, this machine's blocked kernels",
      label:
        'what `npm run train -- --replicas 2` does here; other kernels round otherwise, and what training from ' +
        'random weights makes of the last bit, the control shows',
      differences: compareCheckpoints(two, blocked),
    },
    { ...CONTROL, differences: compareCheckpoints(two, await control(folder, setting, batches)) },
  ];
}

/**
 * Trains a step graph in two processes, and the same weights with PyTorch's DistributedDataParallel in two
 * processes; compares the weights. PyTorch keeps the running statistics of its first process, and not the mean
 * as we do, so these are left out.
 */
export async function comparePyTorch(
  python: string,
  folder: string,
  setting: Setting,
): Promise<Comparison[]> {
  const { model, batchSize, recipe } = setting;
  const { batches, file } = await batchesFor(folder, setting);
  const run = await untrainedRun(join(folder, 'step-graph-2'), setting);
  const [start, out] = [join(folder, 'start.safetensors'), join(folder, 'pytorch.safetensors')];
  await copyFile(run.checkpointPath('last'), start);
  const { learningRate, momentum, weightDecay } = recipe;
  await Promise.all([
    torchrun(python, 2, 'train.py', [run.path, '--batches', file, '--threads', '1']),
    torchrun(python, 2, 'pytorch_ddp.py', [
      ...['--model', model, '--weights', start, '--batches', file, '--batch-size', String(batchSize)],
      ...['--out', out, '--lr', String(learningRate), '--momentum', String(momentum)],
      ...['--weight-decay', String(weightDecay)],
    ]),
  ]);
  const ours = weightsOf(await lastOf(run));
  return [
    {
      with: 'PyTorch DistributedDataParallel in two processes, from the same .safetensors',
      label:
        'another implementation of every operator, which rounds otherwise; the weights alone, and the control ' +
        'shows what the last bit makes of them',
      differences: compareCheckpoints(ours, weightsOf((await loadWeights(out)).tensors)),
    },
    {
      ...CONTROL,
      differences: compareCheckpoints(ours, weightsOf(await control(folder, setting, batches))),
    },
  ];
}

const CONTROL = {
  with: 'the trainer with two replicas, plain layouts, from weights changed in the last bit',
  label:
    "control: the same operators, but the first convolution's weights differ by a unit in the last place",
};

function control(folder: string, setting: Setting, batches: Batches): Promise<Tensors> {
  return trainedByReplicas(join(folder, 'control'), setting, batches, { blockSize: 0, nudged: true });
}

function weightsOf(tensors: Tensors): Tensors {
  return new Map([...tensors].filter(([name]) => !/\.running_|^optimizer\./.test(name)));
}

async function batchesFor(
  folder: string,
  { dataset, batchSize, steps }: Setting,
): Promise<{ batches: Batches; file: string }> {
  await makeFolders(folder);
  const batches = await makeBatches(dataset, batchSize, steps);
  const file = join(folder, 'batches.safetensors');
  await writeBatches(file, batches, dataset);
  return { batches, file };
}
