import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import { UserError } from '../../core/errors.ts';
import { loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import { exportForeign } from '../../export/export-foreign.ts';
import { Classifier, evaluate, loadDataset, type Server, startServer } from '../../index.ts';
import { openStart } from '../../train/fine-tune/start-model.ts';
import { command } from '../commands/command.ts';
import { picture, writeTree } from '../data/image-folder.ts';
import { redNet } from './red-net.ts';
import { tinyNet } from './tiny-net.ts';

/** As `optimum-cli export onnx` and the hub's repositories for transformers.js have it. */
const CONFIG = {
  _name_or_path: 'someone/colours-vit',
  architectures: ['ViTForImageClassification'],
  id2label: { '0': 'coral', '1': 'green', '2': 'navy' },
  label2id: { coral: '0', green: '1', navy: '2' },
  image_size: 8,
  model_type: 'vit',
  num_channels: 3,
  problem_type: 'single_label_classification',
  transformers_version: '4.57.1',
};
const PROCESSOR = {
  do_convert_rgb: null,
  do_normalize: true,
  do_rescale: true,
  do_resize: true,
  image_mean: [0.5, 0.5, 0.5],
  image_processor_type: 'ViTImageProcessor',
  image_std: [0.5, 0.5, 0.5],
  resample: 2,
  rescale_factor: 0.00392156862745098,
  size: { height: 8, width: 8 },
};
const PHOTOS = { coral: [220, 30, 30], green: [30, 220, 30], navy: [30, 30, 220] };
const RED = await sharp({ create: { width: 30, height: 30, channels: 3, background: '#f00' } })
  .png()
  .toBuffer();

describe('a folder as Hugging Face has it', () => {
  const root = mkdtempSync(join(tmpdir(), 'hugging-face-'));
  const folder = join(root, 'colours');
  let server: Server;
  before(async () => {
    mkdirSync(join(folder, 'onnx'), { recursive: true });
    for (const [name, content] of Object.entries({
      'config.json': JSON.stringify(CONFIG),
      'preprocessor_config.json': JSON.stringify(PROCESSOR),
      'tokenizer.json': '{}',
      'onnx/model.onnx': tinyNet({ size: null }),
      // Half as sure, so that it can be told which one answers.
      'onnx/model_quantized.onnx': redNet(undefined, { scale: 1 }),
      'onnx/model_fp16.onnx': tinyNet({ size: null }),
    })) {
      writeFileSync(join(folder, name), content);
    }
    for (const [label, [name, color]] of Object.entries(PHOTOS).entries()) {
      for (const split of ['train', 'test']) {
        await writeTree(root, { [`photos/${split}/${name}/0.png`]: picture(label, 36, 32, color).png() });
      }
    }
    server = await startServer({ models: [folder], port: 0 });
  });
  after(async () => {
    await server?.close();
    rmSync(root, { recursive: true, force: true });
  });

  /** exp(2) of exp(2) + 2 exp(-2), and the same of 1: the mean of a red picture is 1, that of other colours -1. */
  const sure = (scale: number): number => 1 / (1 + 2 * Math.exp(-2 * scale));

  it('is served by its name', async () => {
    assert.deepEqual(server.models, ['colours@1']);
    const answer = await fetch(`${server.url}/predict?topk=1`, { method: 'POST', body: new Uint8Array(RED) });
    const { predictions } = (await answer.json()) as {
      predictions: { label: string; probability: number }[];
    };
    assert.equal(predictions[0]!.label, 'coral');
    assert.ok(Math.abs(predictions[0]!.probability - sure(2)) < 1e-5, JSON.stringify(predictions));
  });

  it('is measured through the server', async () => {
    const dataset = await loadDataset({ data: join(root, 'photos'), imageSize: 8 });
    const { top1, images } = await evaluate(server.url, dataset);
    assert.deepEqual([top1, images], [1, dataset.test.count]);
  });

  it('classifies in this process, by any of its files', async () => {
    for (const [path, scale] of [
      [folder, 2],
      [join(folder, 'onnx'), 2],
      [join(folder, 'onnx/model_quantized.onnx'), 1],
    ] as const) {
      const classifier = await Classifier.open(path, { workers: 1 });
      const [best] = await classifier.classify(RED);
      await classifier.close();
      assert.equal(best!.label, 'coral');
      assert.ok(Math.abs(best!.probability - sure(scale)) < 1e-5, `${path}: ${best!.probability}`);
    }
  });

  it('is exported, trained on and inspected', async () => {
    const { path, metadata } = await exportForeign(folder, { out: join(root, 'out.onnx') });
    assert.deepEqual([metadata.model, metadata.labels], ['colours', ['coral', 'green', 'navy']]);
    assert.deepEqual((await loadClassifier(path)).metadata.mean, [0.5, 0.5, 0.5]);

    const start = await openStart(folder);
    assert.deepEqual([start.name, start.labels], ['colours', ['coral', 'green', 'navy']]);
    assert.deepEqual(start.normalization, { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] });

    const inspect = command('inspect', folder, '--size', '8', '--runs', '0', '--json');
    const { status, stdout, stderr } = spawnSync(process.execPath, inspect, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /"MatMul"/);
  });

  it('names what is there where none is model.onnx, and says so where nothing is', async () => {
    const several = join(root, 'several');
    mkdirSync(join(several, 'onnx'), { recursive: true });
    for (const name of ['model_fp16', 'model_quantized']) {
      writeFileSync(join(several, 'onnx', `${name}.onnx`), tinyNet());
    }
    const named = /holds model_fp16\.onnx, model_quantized\.onnx and no model\.onnx; give the one/;
    const works: [() => Promise<unknown>, RegExp][] = [
      [() => startServer({ models: [several], port: 0 }), named],
      [() => exportForeign(several, { out: join(root, 'none.onnx') }), named],
      [() => openStart(several), named],
      [
        () => loadClassifier(join(root, 'photos')),
        /photos holds no \.onnx file, neither itself nor in a folder/,
      ],
    ];
    for (const [work, message] of works) {
      await assert.rejects(work(), (error) => error instanceof UserError && message.test(error.message));
    }
  });
});
