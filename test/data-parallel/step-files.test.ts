import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { makeSynthetic } from '../../core/data/synthetic.ts';
import { type Graph, int } from '../../core/onnx/graph.ts';
import { decodeModel } from '../../core/onnx/model-file.ts';
import { Random } from '../../core/random.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { OrtEngine } from '../../train/engine/ort-engine.ts';
import { ReplicaEngine } from '../../train/engine/replicas/replica-engine.ts';
import { optimizerOf } from '../../train/optim/config.ts';
import type { TrainConfig } from '../../train/recipe/settings.ts';
import { learningRateAt } from '../../train/schedule/schedule.ts';
import { copyState } from '../../train/state.ts';
import type { StepDescription } from '../../train/step-files/describe.ts';
import { type StepConfig, writeStepFiles } from '../../train/step-files/write-step-files.ts';
import { buildCase, type CaseNet } from '../train/support/case-net.ts';
import { relativeError64 } from '../train/support/check-gradients.ts';
import { CONFIG } from '../train/support/tiny-run.ts';
import type { Batches } from './batch-file.ts';
import { driveStepGraph } from './drive-step-graph.ts';
import { untrainedRun } from './trained-run.ts';

const [BATCH, CLASSES, SIZE, STEPS] = [8, 3, 6, 3];
const folder = await mkdtemp(join(tmpdir(), 'step-files-'));
after(() => rm(folder, { recursive: true, force: true }));

const random = new Random(7);
const floats = (length: number, draw: () => number) =>
  Array.from({ length: STEPS }, () => Float32Array.from({ length }, draw));
const batches: Batches = {
  images: floats(BATCH * 3 * SIZE * SIZE, () => random.normal()),
  targets: floats(BATCH * CLASSES, () => random.uniform()),
};

/** Of 6 channels, which no machine's blocked kernels take: the engines then run the very operators written. */
const net = openBatch(buildCase(classifier));

type OptimizerSettings = Pick<TrainConfig, 'optimizer' | 'momentum' | 'nesterov' | 'weightDecay'> &
  Partial<TrainConfig>;
const SGD: OptimizerSettings = { optimizer: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0.01 };
const OPTIMIZERS: OptimizerSettings[] = [
  SGD,
  { ...SGD, nesterov: true, clipNorm: 0.05, emaDecay: 0.9, noBiasDecay: true },
  { ...SGD, optimizer: 'adam' },
  { ...SGD, optimizer: 'adamw', emaDecay: 0.9 },
];

describe('the written graphs, driven by their description', () => {
  for (const [i, settings] of OPTIMIZERS.entries()) {
    for (const shares of [1, 2]) {
      it(`give exactly what the engine gives: ${JSON.stringify(settings)}, ${shares} shares`, async () => {
        const config = configOf(settings);
        const run = await RunDirectory.create('run', join(folder, `${i}-${shares}`));
        const { scalars, state: described } = await writeStepFiles(run, net, config, { shares });
        const driven = await driveStepGraph(run.path, batches);
        const expected = await trained(config, shares);
        const { parameters, buffers, slots } = expected;
        assert.deepEqual(driven, { parameters, buffers, ...slots });
        assert.ok(scalars.names.includes('learning_rate'));
        assert.equal(described.vectors.length, 2 + Object.keys(slots).length);
        assert.notDeepEqual(parameters, (await trained(config, 1, 0)).parameters);
      });
    }
  }
});

it("with ONNX's own operators only they give the same to rounding", async () => {
  const config = configOf(SGD);
  const run = await RunDirectory.create('run', join(folder, 'portable'));
  const { gradient, update } = await writeStepFiles(run, net, config, { shares: 2, portable: true });
  for (const { file } of [gradient, update]) {
    const { graph } = decodeModel(await readFile(join(run.path, file)), file);
    assert.deepEqual(new Set(graph.nodes.map((node) => node.domain)), new Set(['']));
  }
  const driven = await driveStepGraph(run.path, batches);
  const error = relativeError64(driven.parameters!, (await trained(config, 2)).parameters);
  assert.ok(error < 1e-5, `relative error ${error}`);
});

it('the graphs of a zoo model are in plain layouts and as described', async () => {
  const dataset = makeSynthetic({ train: 16, test: 0 });
  const recipe = { ...SGD, learningRate: 0.1, schedule: 'constant' as const };
  const setting = { model: 'se_resnet8', dataset, batchSize: 8, shares: 2, steps: 2, recipe };
  const run = await untrainedRun(join(folder, 'zoo'), setting);
  const read = (name: string) => readFile(join(run.path, name));
  const about = JSON.parse((await read('step-graph.json')).toString()) as StepDescription;
  for (const described of [about.gradient, about.update]) {
    const { graph } = decodeModel(await read(described.file), described.file);
    assert.deepEqual([graph.inputs, graph.outputs], [described.inputs, described.outputs]);
    const domains = new Set(graph.nodes.map((node) => node.domain));
    // FusedMatMul is in every onnxruntime; the blocked layouts are of the machine that built the graph.
    assert.ok(!domains.has('com.microsoft.nchwc'), [...domains].join());
  }
  assert.deepEqual(about.gradient.inputs[0], { name: 'images', dtype: 'float32', dims: [4, 3, 32, 32] });
  for (const { size, tensors } of Object.values(about.layouts)) {
    let end = 0;
    for (const tensor of tensors) {
      assert.equal(tensor.offset, end);
      end += tensor.size;
    }
    assert.equal(end, size);
  }
});

function configOf(settings: OptimizerSettings): StepConfig {
  return {
    ...CONFIG,
    ...settings,
    batchSize: BATCH,
    trainImages: BATCH * STEPS + 1,
    epochs: 2,
    learningRate: 0.1,
    schedule: 'onecycle',
    warmupFraction: 0.4,
  };
}

/** The state after the first steps on our own engine of one thread a share. */
async function trained(config: StepConfig, shares: number, steps = STEPS) {
  const options = { batchSize: BATCH, optimizer: optimizerOf(config), threads: 1 };
  const engine =
    shares === 1
      ? await OrtEngine.create(net, options)
      : await ReplicaEngine.create(net, { ...options, replicas: shares });
  try {
    for (let step = 0; step < steps; step++) {
      const rate = learningRateAt(config, STEPS, step);
      await engine.step(batches.images[step]!, batches.targets[step]!, rate);
    }
    return copyState(engine.state);
  } finally {
    await engine.close();
  }
}

function classifier(b: CaseNet): void {
  const x = b.relu(b.norm(b.conv(b.input([BATCH, 3, SIZE, SIZE]), 6, 3, { pads: 1 })));
  const features = b.node('Flatten', [b.pool(x)], { axis: int(1) });
  b.output(b.node('Gemm', [features, b.weight([CLASSES, 6]), b.weight([CLASSES])], { transB: int(1) }));
}

/** The batch is chosen later. */
function openBatch({ graph }: CaseNet): Graph {
  for (const value of [...graph.inputs, ...graph.outputs]) value.dims[0] = 'batch';
  return graph;
}
