import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadDataset } from '../../core/data/load.ts';
import { datasetRecord } from '../../core/data/run-record.ts';
import { evaluateModelBytes } from '../../core/inference/evaluate-model.ts';
import { decodeMetadata } from '../../core/model-metadata.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { decodeModel } from '../../core/onnx/model-file.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { exportRun } from '../../export/export-run.ts';
import type { TrainConfig } from '../../train/config.ts';
import { createEngine } from '../../train/engine/create-engine.ts';
import { train } from '../../train/trainer.ts';
import { CONFIG } from '../train/support/tiny-run.ts';
import { writeColors } from './image-folder.ts';
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
    const { finished, best } = await train({ ...setup, observer: { onBatch: () => void steps++ } });
    assert.deepEqual([finished, steps, best?.images], [true, 3, 12]);
    // Of three classes the best five are all of them.
    assert.equal(best?.top5, 1);
  } finally {
    await engine.close();
  }

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
