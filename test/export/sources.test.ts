import assert from 'node:assert/strict';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { decodeMetadata } from '../../core/model-metadata.ts';
import { embeddedModelPath } from '../../core/models/embedded.ts';
import { decodeModel } from '../../core/onnx/model-file.ts';
import { foldBatchNorm } from '../../core/onnx/passes/fold-batch-norm.ts';
import { saveCheckpoint } from '../../core/weights/checkpoint.ts';
import { encodeSafetensors } from '../../core/weights/safetensors.ts';
import { exportModel, exportRun } from '../../export/export-model.ts';
import { chooseSource } from '../../export/sources/choose-source.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { runCli } from './run-cli.ts';
import { tensorsOf, trainedGraph, writeRun } from './trained-run.ts';

/** The first that is there in float32. */
const EMBEDDED = 'resnet14t';
const query = { checkpoint: 'best' } as const;

async function readModel(path: string) {
  const { graph, metadata } = decodeModel(await readFile(path), path);
  return { graph, metadata: decodeMetadata(metadata, path) };
}

describe('without a run', () => {
  it('the embedded model is exported as it is, with all that is known of it', async () => {
    const folder = await temporaryFolder();
    const { code, stdout, stderr } = await runCli(folder);
    assert.deepEqual([code, stderr], [0, '']);
    const copy = await readModel(join(folder, 'exports', `${EMBEDDED}.onnx`));
    const original = await readModel(embeddedModelPath(EMBEDDED));
    assert.deepEqual(copy.graph.initializers, original.graph.initializers);
    assert.deepEqual(copy.metadata, { ...original.metadata, precision: 'fp32', preprocessing: 'client' });
    assert.match(stdout, new RegExp(`^weights {3}.*models/${EMBEDDED}\\.onnx$`, 'm'));
    // As many as were learned, not as there are left after folding.
    assert.match(stdout, / 385,748 parameters/);
  });

  it('an embedded model that is there in 8 bits alone says so', async () => {
    await assert.rejects(chooseSource({ ...query, model: 'efficientnet-lite0-cifar100' }), {
      name: 'UserError',
      message: /^models\/efficientnet-lite0-cifar100\.onnx has 8-bit weights/,
    });
  });

  it('the embedded model is found by its name, unless a run has the model, or another dataset is asked for', async () => {
    const root = join(await temporaryFolder(), 'runs');
    const named = { ...query, model: EMBEDDED, root };
    assert.match((await chooseSource(named)).origin, /models\/.*\.onnx$/);
    await assert.rejects(chooseSource({ ...named, dataset: 'synthetic' }), /no run under .* on synthetic/);
    await writeRun(join(root, 'a'));
    const ours = await chooseSource({ ...query, model: 'resnet20', root });
    assert.equal(ours.origin, `${join(root, 'a')}, best checkpoint`);
  });

  it('nothing named is the newest run, also of an ablation; the embedded model where nobody has trained', async () => {
    const root = join(await temporaryFolder(), 'runs');
    assert.match((await chooseSource({ ...query, root })).origin, /models\/resnet14t\.onnx$/);
    await writeRun(join(root, 'unfinished'), { checkpoints: ['last'] });
    await assert.rejects(chooseSource({ ...query, root }), {
      name: 'UserError',
      message:
        /^no run under .*runs\/ has a best checkpoint; train one with npm run train, or give --run DIR$/,
    });
    for (const [minute, name] of ['old', 'abl/newest', 'older'].entries()) {
      const run = await writeRun(join(root, name));
      const time = new Date(2024, 0, 1, 0, [2, 3, 1][minute]!);
      await utimes(run.checkpointPath('best'), time, time);
    }
    const { origin } = await chooseSource({ ...query, root });
    assert.equal(origin, `${join(root, 'abl/newest')}, best checkpoint`);
  });
});

describe('a file of weights', async () => {
  const folder = await temporaryFolder();
  const weights = join(folder, 'w.safetensors');
  const labels = join(folder, 'labels.txt');
  const graph = trainedGraph(3);
  const tensors = tensorsOf(graph);
  tensors.delete('optimizer.momentum.fc.bias');
  await writeFile(weights, encodeSafetensors({ tensors, metadata: {} }));
  await writeFile(labels, Array.from({ length: 100 }, (_, i) => `label ${i}\n`).join(''));

  it('is exported with the labels given', async () => {
    const source = await chooseSource({ ...query, weights, labels, dataset: 'cifar100' });
    const out = join(folder, 'imported.onnx');
    await exportModel(source, { out });
    const { graph: exported, metadata } = await readModel(out);
    assert.deepEqual([metadata.model, metadata.labels[7]], ['resnet20', 'label 7']);
    assert.deepEqual(
      exported.initializers.get('fc.weight')!.data,
      foldBatchNorm(graph).initializers.get('fc.weight')!.data,
    );
    const card = await readFile(join(folder, 'imported.md'), 'utf8');
    assert.match(card, /^Weights: not stated; ask whoever trained them\./m);
    assert.match(card, /^Not known: the weights were not trained by this project/m);
  });

  it('does not go with a run, and its options not without it', async () => {
    const cases: [Parameters<typeof chooseSource>[0], RegExp][] = [
      [{ ...query, weights, run: folder }, /give --run or --weights, not both/],
      [{ ...query, labels }, /--labels is for weights .* needs --weights FILE/],
      [{ ...query, key: 'net' }, /--key is for weights .* needs --weights FILE/],
      [{ ...query, weights: join(folder, 'nothing') }, /cannot read .*nothing/],
      [{ ...query, weights, dataset: 'synthetic', model: 'resnet18' }, /does not fit resnet18/],
    ];
    for (const [asked, message] of cases) await assert.rejects(chooseSource(asked), message);
    assert.deepEqual((await readdir(folder)).includes('exports'), false);
  });
});

describe('a checkpoint with averaged weights', () => {
  it('is exported with the average, whose accuracy it states', async () => {
    const folder = await temporaryFolder();
    const run = await writeRun(join(folder, 'run'));
    const tensors = tensorsOf(trainedGraph(1));
    const average = trainedGraph(2);
    for (const [name, tensor] of tensorsOf(average)) tensors.set(`ema.${name}`, tensor);
    tensors.delete('ema.optimizer.momentum.fc.bias');
    await saveCheckpoint(run.checkpointPath('last'), { tensors, progress: { epoch: 1, batch: 0 } });
    const out = join(folder, 'm.onnx');
    await exportRun({ run, checkpoint: 'last', out });
    const { graph } = await readModel(out);
    const expected = foldBatchNorm(average).initializers.get('conv1.weight')!.data;
    assert.deepEqual(graph.initializers.get('conv1.weight')!.data, expected);
  });
});
