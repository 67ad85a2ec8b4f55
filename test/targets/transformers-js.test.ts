import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import { type ClassifierMetadata, encodeMetadata } from '../../core/model-metadata.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { transformersJs } from '../../export/targets/transformers-js.ts';
import { Classifier } from '../../index.ts';
import { command } from '../commands/command.ts';
import { writeColors } from '../data/image-folder.ts';
import { temporaryFolder } from '../serve/support/test-model.ts';

const MODEL = fileURLToPath(new URL('../../models/resnet14t.onnx', import.meta.url));

describe('export --target transformers.js', () => {
  let folder: string;
  let repository: string;
  const run = (...args: string[]) =>
    spawnSync(process.execPath, command('export', '--foreign', 'colours.onnx', ...args), {
      cwd: folder,
      encoding: 'utf8',
    });
  /** The embedded model with other metadata. */
  const write = async (name: string, changes: Partial<ClassifierMetadata>): Promise<string> => {
    const { metadata, graph } = await loadClassifier(MODEL);
    const path = join(folder, name);
    await writeFile(path, encodeModel(graph, encodeMetadata({ ...metadata, ...changes })));
    return path;
  };

  before(async () => {
    folder = await temporaryFolder();
    await writeColors(join(folder, 'pictures'), 4, 4);
    // Of no dataset that is looked for.
    await write('colours.onnx', { dataset: 'colours', licence: 'MIT' });
    const { status, stderr } = run(
      ...['--out', 'mine.onnx', '--target', 'transformers.js', '--data', 'pictures/train'],
      ...['--calibration-images', '8', '--verify-images', '8'],
    );
    assert.equal(status, 0, stderr);
    repository = join(folder, 'mine-transformers.js');
  });

  it('writes what transformers reads: labels, preprocessing, three precisions, a card', async () => {
    const read = async (name: string) => JSON.parse(await readFile(join(repository, name), 'utf8'));
    const { metadata } = await loadClassifier(MODEL);
    const config = await read('config.json');
    assert.equal(config.model_type, 'resnet');
    assert.deepEqual(Object.values(config.id2label), metadata.labels);
    assert.equal(config.label2id.whale, metadata.labels.indexOf('whale'));
    const processor = await read('preprocessor_config.json');
    assert.deepEqual(processor.image_mean, metadata.mean);
    assert.deepEqual(processor.image_std, metadata.std);
    assert.deepEqual(processor.size, { shortest_edge: 32 });
    assert.deepEqual(processor.crop_size, { height: 32, width: 32 });
    assert.equal(processor.resample, 1);
    const card = await readFile(join(repository, 'README.md'), 'utf8');
    const [, head] = /^---\n([\s\S]*?)\n---\n/.exec(card)!;
    const { library_name, pipeline_tag, license, 'model-index': index } = parse(head!);
    assert.deepEqual(
      [library_name, pipeline_tag, license],
      ['transformers.js', 'image-classification', 'mit'],
    );
    assert.equal(index[0].results[0].metrics[0].value, metadata.accuracy!.top1);
    const sizes = await Promise.all(
      ['model', 'model_fp16', 'model_quantized'].map(
        async (name) => (await readFile(join(repository, `onnx/${name}.onnx`))).length,
      ),
    );
    assert.ok(sizes[1]! < 0.55 * sizes[0]! && sizes[2]! < 0.3 * sizes[0]!, sizes.join());
  });

  it('is served as it is: the same labels, normalisation and scores as the original', async () => {
    const ours = await Classifier.open(MODEL);
    const theirs = await Classifier.open(repository);
    try {
      assert.deepEqual(theirs.labels, ours.labels);
      assert.deepEqual(theirs.normalization, ours.normalization);
      assert.deepEqual([theirs.width, theirs.height], [32, 32]);
      const input = Float32Array.from({ length: 2 * 3 * 32 * 32 }, (_, i) => Math.sin(i / 7));
      const expected = await ours.run(input, 2);
      const actual = await theirs.run(input, 2);
      for (const [i, value] of expected.entries()) assert.ok(Math.abs(value - actual[i]!) < 1e-4);
    } finally {
      await Promise.all([ours.close(), theirs.close()]);
    }
  });

  it('without pictures leaves the int8 file out, and says so', async () => {
    const other = await write('other.onnx', { dataset: 'nowhere', labels: Array(100).fill('twin') });
    const { files, notes } = await transformersJs(other);
    const names = files.map(([name]) => name);
    assert.ok(names.includes('onnx/model_fp16.onnx') && !names.includes('onnx/model_quantized.onnx'));
    assert.match(notes.join(), /model_quantized\.onnx is left out: .*--data DIR.*dtype: 'fp32'/);
    // A name that is there twice would lose a class.
    const { label2id } = JSON.parse(String(files[0]![1]));
    assert.equal(Object.keys(label2id).length, 100);
  });

  it('refuses what transformers.js would get wrong', async () => {
    await assert.rejects(
      transformersJs(await write('several.onnx', { scores: 'independent' })),
      /several\.onnx judges every class by itself/,
    );
    await assert.rejects(
      transformersJs(await write('half.onnx', { precision: 'fp16' })),
      /leave out --precision/,
    );
    for (const wrong of [
      '--preprocess',
      '--external-data',
      '--precision=int8',
      '--batch=1',
      '--layout=nhwc',
    ]) {
      const { status, stderr } = run('--out', 'refused.onnx', '--target', 'transformers.js', wrong);
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`^error: .*leave out ${wrong.split('=')[0]}\n$`));
    }
    assert.ok(!existsSync(join(folder, 'refused.onnx')));
  });
});
