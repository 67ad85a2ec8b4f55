import assert from 'node:assert/strict';
import { copyFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseOptions } from '../../core/cli/options.ts';
import { loadDataset } from '../../core/data/load.ts';
import { datasetRecord } from '../../core/data/run-record.ts';
import { evaluateModelBytes } from '../../core/metrics/evaluate-model.ts';
import { decodeMetadata } from '../../core/model-metadata.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { decodeModel } from '../../core/onnx/model-file.ts';
import { initializerRoles } from '../../core/onnx/roles.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { saveCheckpoint } from '../../core/weights/checkpoint.ts';
import { exportRun } from '../../export/export-model.ts';
import { loadSplit } from '../../export/load-split.ts';
import { createEngine } from '../../train/engine/create-engine.ts';
import { DATA_CLI_OPTIONS, dataOptions, loadTrainingData } from '../../train/load-data.ts';
import type { TrainConfig } from '../../train/recipe/settings.ts';
import { loadModel, loadTestSplit } from '../../train/test-model/test-model.ts';
import { runConfig, train } from '../../train/trainer.ts';
import { CONFIG } from '../train/support/tiny-run.ts';
import { picture, writeColors, writeTree } from './image-folder.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { rejectsPlainly } from './user-error.ts';

test('a net is trained on a folder of three classes and exported with their names', async () => {
  const root = await temporaryFolder();
  await writeColors(join(root, 'images'), 8, 4);
  const dataset = await loadDataset({ dir: join(root, 'images'), imageSize: 16 });
  const config: TrainConfig = {
    ...CONFIG,
    dataset: dataset.name,
    labels: dataset.labels,
    trainImages: 24,
    batchSize: 8,
    epochs: 1,
    crop: 2,
  };
  const model = buildModel(config.model, { numClasses: 3, imageSize: 16 });
  initializeParameters(model, 1);
  const run = await RunDirectory.create('folder', join(root, 'run'));
  await run.writeConfig({ ...config, ...datasetRecord(dataset) });
  const engine = await createEngine(model, config, 1);
  let steps = 0;
  try {
    const setup = { config, model, dataset, engine, run, workers: 1, resume: false, shouldStop: () => false };
    const { finished, best } = await train({ ...setup, observer: { onStep: () => void steps++ } });
    assert.deepEqual([finished, steps, best?.images], [true, 3, 12]);
    // Of three classes the best five are all of them.
    assert.equal(best?.top5, 1);
  } finally {
    await engine.close();
  }

  // Images to compare on are where they were.
  const half = await exportRun({ run, precision: 'fp16', out: join(root, 'half.onnx') });
  assert.deepEqual([half.agreement.on, half.agreement.images], ['test images of folder', 12]);

  // What the export needs is in the run; the images may be gone.
  const { test: split } = dataset;
  await rm(join(root, 'images'), { recursive: true });
  const { path } = await exportRun({ run, out: join(root, 'model.onnx') });
  const bytes = await readFile(path);
  const { graph, metadata } = decodeModel(bytes, path);
  assert.deepEqual(graph.outputs[0]!.dims, ['batch', 3]);
  const {
    labels,
    mean,
    std,
    inputHeight,
    inputWidth,
    dataset: name,
    accuracy,
  } = decodeMetadata(metadata, path);
  assert.deepEqual([name, labels], ['folder', ['blue', 'green', 'red']]);
  assert.deepEqual({ mean, std }, dataset.normalization);
  assert.deepEqual([inputHeight, inputWidth], [16, 16]);
  const measured = await evaluateModelBytes(bytes, { labels, normalization: { mean, std } }, split);
  assert.equal(measured.top1Correct, accuracy?.top1Correct);

  // A run that stores neither needs the images, and says so.
  await run.writeConfig({ ...config });
  await rejectsPlainly(
    exportRun({ run, out: join(root, 'other.onnx'), data: join(root, 'images') }),
    /config\.json does not store all about its data, and --data: .*images does not exist/,
  );
});

test('where there are validation images they choose the best epoch, and the test images are reported on', async () => {
  const root = await temporaryFolder();
  const images = join(root, 'images');
  await writeColors(images, 8, 4);
  await writeTree(images, {
    'val/blue/1.png': picture(1, 32, 32, [30, 30, 220]).png(),
    'val/green/1.png': picture(2, 32, 32, [30, 220, 30]).png(),
    'val/red/1.png': picture(3, 32, 32, [220, 30, 30]).png(),
  });
  const dataset = await loadDataset({ dir: images, imageSize: 16 });
  const config: TrainConfig = {
    ...CONFIG,
    dataset: dataset.name,
    labels: dataset.labels,
    trainImages: 24,
    batchSize: 8,
    epochs: 2,
    crop: 2,
  };
  const model = buildModel(config.model, { numClasses: 3, imageSize: 16 });
  initializeParameters(model, 1);
  const run = await RunDirectory.create('folder', join(root, 'run'));
  await run.writeConfig(runConfig(config, dataset));
  const engine = await createEngine(model, config, 1);
  const setup = { config, model, dataset, engine, run, workers: 1, shouldStop: () => false };
  try {
    const { best, test: onTest } = await train({ ...setup, resume: false });
    assert.deepEqual([best?.images, onTest?.images], [3, 12]);
    const log = await run.readLog();
    assert.deepEqual(
      log.map(({ evaluatedOn }) => evaluatedOn),
      ['validation', 'validation'],
    );
    // What is exported states the result on the test images, measured on the weights that it has.
    const { path } = await exportRun({ run, out: join(root, 'model.onnx') });
    const bytes = await readFile(path);
    const { accuracy, trainingConfig } = decodeMetadata(decodeModel(bytes, path).metadata, path);
    assert.deepEqual(accuracy, onTest);
    const measured = await evaluateModelBytes(bytes, dataset, dataset.test);
    assert.equal(measured.top1Correct, onTest?.top1Correct);
    // Where the images were is nobody's business.
    assert.ok(!bytes.includes(root), 'the path is in the model');
    assert.equal((trainingConfig!.data as { validation: string }).validation, 'folder');
    // A finished run that is resumed tells the same.
    const again = await train({ ...setup, resume: true });
    assert.deepEqual(again, { finished: true, best, test: onTest });
    await rejectsPlainly(
      exportRun({
        run,
        out: join(root, 'model.onnx'),
        checkpoint: 'last',
        verifyImages: 1,
        data: join(root, 'no'),
      }),
      /--data: .*no does not exist/,
    );
  } finally {
    await engine.close();
  }
});

test('test-model takes the images that the run held out, from where its data was', async () => {
  const root = await temporaryFolder();
  await writeColors(join(root, 'images'), 8, 1);
  const flat = join(root, 'images', 'train');
  const heldOut = { share: 0.25, seed: 5 };
  const dataset = await loadDataset({ dir: flat, imageSize: 16, heldOut });
  const config: TrainConfig = { ...CONFIG, dataset: 'folder', labels: dataset.labels, trainImages: 18 };
  const run = await RunDirectory.create('folder', join(root, 'run'));
  await run.writeConfig(runConfig(config, dataset));
  const model = buildModel(config.model, { numClasses: 3, imageSize: 16 });
  initializeParameters(model, 1);
  const { parameters, buffers } = initializerRoles(model);
  const tensors = new Map(
    [...parameters, ...buffers].map((name) => {
      const { dims, data } = model.initializers.get(name)!;
      return [name, { dims, data: data as Float32Array }];
    }),
  );
  const weights = run.checkpointPath('best');
  await saveCheckpoint(weights, { tensors, progress: { epoch: 1, batch: 0 } });
  const loaded = await loadModel(weights);
  const split = await loadTestSplit(loaded, {});
  assert.deepEqual(split.test.images, dataset.test.images);
  // Nor does the export calibrate on what was held out.
  const { path } = await exportRun({ run, out: join(root, 'model.onnx') });
  const metadata = decodeMetadata(decodeModel(await readFile(path), path).metadata, path);
  assert.deepEqual((await loadSplit(metadata, 'train', { data: flat }))?.images, dataset.train.images);
  assert.deepEqual(
    (await loadTestSplit(await loadModel(path), { data: flat })).test.images,
    dataset.test.images,
  );
  // With --without-duplicates the training images are those that were trained on.
  await copyFile(join(flat, 'red', '000.png'), join(flat, 'red', 'copy.png'));
  await rejectsPlainly(
    loadTestSplit(loaded, {}),
    /the images held out now are not those that the run held out/,
  );
});

test('--val-seed keeps what is held out the same for runs of several seeds', async () => {
  const root = await temporaryFolder();
  await writeColors(root, 12, 2);
  const heldOut = async (seed: number, ...given: string[]) => {
    const command = { name: 'train', summary: '', options: DATA_CLI_OPTIONS };
    const { options } = parseOptions(command, ['--data', root, ...given]);
    const { validation } = await loadTrainingData(dataOptions(options, { seed }), () => {});
    return validation?.files?.map(({ file }) => file);
  };
  const share = ['--val-share', '0.25'];
  assert.equal((await heldOut(1, ...share))?.length, 9);
  assert.notDeepEqual(await heldOut(1, ...share), await heldOut(2, ...share));
  const kept = [...share, '--val-seed', '7'];
  assert.deepEqual(await heldOut(1, ...kept), await heldOut(2, ...kept));
  assert.deepEqual(await heldOut(1, ...kept), await heldOut(7, ...share));
  await rejectsPlainly(heldOut(1, '--val-seed', '7'), /--val-seed .* add --val-share SHARE/);
});
