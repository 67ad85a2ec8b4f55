import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadDataset } from '../../core/data/load.ts';
import { evaluateModelBytes } from '../../core/inference/evaluate-model.ts';
import { decodeMetadata } from '../../core/model-metadata.ts';
import { decodeModel } from '../../core/onnx/model-file.ts';

const FOLDER = fileURLToPath(new URL('../../models/', import.meta.url));
const EMBEDDED_BYTES = 2_000_000;
/** Images whose two best classes are all but equal may fall the other way on another processor. */
const IMAGES_ON_THE_FENCE = 3;

const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.onnx'));

describe('embedded models', () => {
  it('there is one', () => assert.ok(names.length > 0));

  for (const name of names) {
    const read = async () => {
      const bytes = await readFile(FOLDER + name);
      return { bytes, metadata: decodeMetadata(decodeModel(bytes, name).metadata, name) };
    };

    it(`${name} is small and says how it was made`, async () => {
      const { bytes, metadata } = await read();
      assert.ok(bytes.length <= EMBEDDED_BYTES, `${bytes.length} bytes`);
      assert.equal(metadata.dataset, 'cifar100');
      assert.equal(metadata.labels.length, 100);
      assert.equal(metadata.accuracy?.images, 10_000);
      const stem = FOLDER + name.replace(/\.onnx$/, '');
      const config = JSON.parse(await readFile(`${stem}.config.json`, 'utf8'));
      assert.equal(config.model, metadata.model);
      assert.equal(config.seed, metadata.trainingConfig?.seed);
      const log = (await readFile(`${stem}.log.jsonl`, 'utf8')).trim().split('\n');
      assert.equal(log.length, config.epochs);
      const best = Math.max(...log.map((line) => JSON.parse(line).testTop1));
      assert.equal(best, metadata.accuracy.top1);
    });

    const data = process.env.CIFAR100_DIR;
    const skip = data ? false : 'set CIFAR100_DIR to where CIFAR-100 is; npm run data downloads it';
    it(`${name} has the accuracy it states, on all test images`, { skip }, async () => {
      const { bytes, metadata } = await read();
      const dataset = await loadDataset({ dataset: 'cifar100', dir: data, splits: ['test'] });
      const measured = await evaluateModelBytes(bytes, dataset, dataset.test);
      assert.equal(measured.images, 10_000);
      for (const key of ['top1Correct', 'top5Correct'] as const) {
        const difference = Math.abs(measured[key] - metadata.accuracy![key]);
        assert.ok(
          difference <= IMAGES_ON_THE_FENCE,
          `${key}: ${measured[key]}, stated ${metadata.accuracy![key]}`,
        );
      }
      assert.ok(Math.abs(measured.loss - metadata.accuracy!.loss) < 1e-4, `loss ${measured.loss}`);
    });
  }
});
