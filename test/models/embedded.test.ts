import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeMetadata } from '../../core/model-metadata.ts';
import { decodeModel } from '../../core/onnx/model-file.ts';

const FOLDER = fileURLToPath(new URL('../../models/', import.meta.url));
const EMBEDDED_BYTES = 4_000_000;

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
      const epochs = log.map((line) => JSON.parse(line) as { testTop1: number; evaluatedOn?: string });
      // Of a run that chose its best epoch on other images, the log does not have the test images' result.
      if (epochs.some(({ evaluatedOn }) => evaluatedOn === 'validation')) return;
      assert.equal(Math.max(...epochs.map(({ testTop1 }) => testTop1)), metadata.accuracy.top1);
    });
  }
});
