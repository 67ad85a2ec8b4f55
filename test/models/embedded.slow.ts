import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { loadDataset } from '../../core/data/load.ts';
import { evaluateModelBytes } from '../../core/metrics/evaluate-model.ts';
import { decodeMetadata } from '../../core/model-metadata.ts';
import { embeddedModelPath, embeddedModels } from '../../core/models/embedded.ts';
import { decodeModel } from '../../core/onnx/model-file.ts';

/** Images whose two best classes are all but equal may fall the other way on another processor. */
const IMAGES_ON_THE_FENCE = 3;
/** In 8 bits a model states what it is in float32, of which it loses at most half a point. */
const LOST_IN_INT8 = 50;

const data = process.env.CIFAR100_DIR;
const skip = data ? false : 'set CIFAR100_DIR to where CIFAR-100 is; npm run data downloads it';

for (const name of await embeddedModels()) {
  it(`${name} has the accuracy it states, on all test images`, { skip }, async () => {
    const bytes = await readFile(embeddedModelPath(name));
    const metadata = decodeMetadata(decodeModel(bytes, name).metadata, name);
    const dataset = await loadDataset({ dataset: 'cifar100', dir: data, splits: ['test'] });
    const { mean, std, precision } = metadata;
    const prepared = { ...dataset, normalization: { mean, std } };
    const measured = await evaluateModelBytes(bytes, prepared, dataset.test);
    assert.equal(measured.images, 10_000);
    const isQuantized = precision === 'int8';
    for (const key of ['top1Correct', 'top5Correct'] as const) {
      const difference = Math.abs(measured[key] - metadata.accuracy![key]);
      assert.ok(
        difference <= (isQuantized ? LOST_IN_INT8 : IMAGES_ON_THE_FENCE),
        `${key}: ${measured[key]}, stated ${metadata.accuracy![key]}`,
      );
    }
    const lossError = Math.abs(measured.loss - metadata.accuracy!.loss);
    assert.ok(lossError < (isQuantized ? 0.02 : 1e-4), `loss ${measured.loss}`);
  });
}
