import assert from 'node:assert/strict';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makeSynthetic } from '../../core/data/synthetic.ts';
import { UserError } from '../../core/errors.ts';
import { decodeMetadata } from '../../core/model-metadata.ts';
import { decodeModel, encodeModel } from '../../core/onnx/model-file.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';
import { saveCheckpoint } from '../../core/weights/checkpoint.ts';
import { defaultOutput, exportRun } from '../../export/export-model.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { BEST, CONFIG, LAST, tensorsOf, trainedGraph, writeRun } from './trained-run.ts';

const FILES = ['model.labels.txt', 'model.md', 'model.onnx'];

/** A call must fail with a UserError of one line, and leave nothing behind in the folder. */
async function refuses(folder: string, call: () => Promise<unknown>, message: RegExp): Promise<void> {
  const before = await readdir(folder);
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, message);
    assert.ok(!error.message.includes('\n'), error.message);
    return true;
  });
  assert.deepEqual(await readdir(folder), before);
}

describe('an exported model', async () => {
  const folder = await temporaryFolder();
  const run = await writeRun(join(folder, 'run'));
  const out = join(folder, 'new', 'model.onnx');
  const result = await exportRun({ run, out });
  const bytes = await readFile(out);
  const { graph, metadata, opset } = decodeModel(bytes, out);

  it('is reported as it is', () => {
    assert.equal(result.path, out);
    assert.equal(result.bytes, bytes.length);
    assert.deepEqual(
      result.files,
      FILES.map((file) => join(folder, 'new', file)),
    );
    assert.equal(result.parameters, 278_324);
    assert.ok(result.maxDifference > 0 && result.maxDifference < 1e-5, String(result.maxDifference));
    assert.deepEqual(decodeMetadata(metadata, out), result.metadata);
  });

  it('is opset 15 with a dynamic batch and no batch norm', () => {
    assert.equal(opset, 15);
    assert.deepEqual(graph.inputs, [{ name: 'input', dtype: 'float32', dims: ['batch', 3, 32, 32] }]);
    assert.deepEqual(graph.outputs, [{ name: 'logits', dtype: 'float32', dims: ['batch', 100] }]);
    assert.deepEqual([...new Set(graph.nodes.map((node) => node.op))].sort(), [
      'Add',
      'Conv',
      'Flatten',
      'Gemm',
      'GlobalAveragePool',
      'Relu',
    ]);
  });

  it('carries labels, normalisation, accuracy and the training config', () => {
    const { labels, normalization } = makeSynthetic({ splits: [] });
    assert.deepEqual(result.metadata, {
      model: 'resnet20',
      dataset: 'synthetic',
      labels,
      ...normalization,
      inputLayout: 'NCHW',
      colorSpace: 'RGB',
      inputHeight: 32,
      inputWidth: 32,
      preprocessing: 'client',
      precision: 'fp32',
      accuracy: BEST,
      trainingConfig: CONFIG,
    });
  });

  it("computes the checkpoint's logits", async () => {
    const images = new Tensor(
      'float32',
      Float32Array.from({ length: 3 * 3072 }, (_, i) => Math.sin(i)),
      [3, 3, 32, 32],
    );
    const logits = async (model: Uint8Array): Promise<Float32Array> => {
      const session = await openSession(model, { graphOptimizationLevel: 'disabled' });
      const { logits } = await session.run({ input: images });
      await session.release();
      return logits!.data as Float32Array;
    };
    const expected = await logits(encodeModel(trainedGraph(1)));
    const actual = await logits(bytes);
    const largest = Math.max(...expected.map(Math.abs));
    for (const [i, value] of expected.entries()) assert.ok(Math.abs(actual[i]! - value) < 1e-5 * largest);
    const others = await logits(encodeModel(trainedGraph(2)));
    assert.ok(others.some((value, i) => Math.abs(actual[i]! - value) > 0.01 * largest));
  });

  it('has the same bytes every time, and replaces what was there', async () => {
    await writeFile(out, 'an older model');
    await exportRun({ run, out });
    assert.ok((await readFile(out)).equals(bytes));
    assert.deepEqual((await readdir(join(folder, 'new'))).sort(), FILES);
  });
});

describe('the checkpoint', () => {
  it('last has its own weights and accuracy', async () => {
    const folder = await temporaryFolder();
    const run = await writeRun(join(folder, 'run'));
    const best = await exportRun({ run, out: join(folder, 'best.onnx') });
    const last = await exportRun({ run, checkpoint: 'last', out: join(folder, 'last.onnx') });
    assert.deepEqual(last.metadata.accuracy, LAST);
    assert.deepEqual(best.metadata.accuracy, BEST);
    assert.ok(!(await readFile(last.path)).equals(await readFile(best.path)));
  });

  it('last has no accuracy if it was saved amid an epoch', async () => {
    const folder = await temporaryFolder();
    const progress = { epoch: 2, batch: 17, accuracy: LAST, best: BEST };
    const run = await writeRun(join(folder, 'run'), { progress });
    const { metadata } = await exportRun({ run, checkpoint: 'last', out: join(folder, 'm.onnx') });
    assert.equal(metadata.accuracy, undefined);
  });
});

describe('label names', () => {
  it('are those stored in the run, without the data', async () => {
    const folder = await temporaryFolder();
    const labels = Array.from({ length: 100 }, (_, i) => `class ${i}`);
    const run = await writeRun(join(folder, 'run'), {
      config: { ...CONFIG, dataset: 'cifar100', labels },
    });
    const { metadata } = await exportRun({ run, out: join(folder, 'm.onnx'), data: join(folder, 'nowhere') });
    assert.deepEqual(metadata.labels, labels);
    assert.deepEqual(metadata.mean, [0.5071, 0.4867, 0.4408]);
    assert.deepEqual(metadata.std, [0.2675, 0.2565, 0.2761]);
    assert.deepEqual(metadata.trainingConfig, { ...CONFIG, dataset: 'cifar100' });
  });

  it('that are not there and cannot be loaded are refused', async () => {
    const folder = await temporaryFolder();
    const run = await writeRun(join(folder, 'run'), { config: { ...CONFIG, dataset: 'cifar100' } });
    const data = join(folder, 'nowhere');
    await refuses(
      folder,
      () => exportRun({ run, out: join(folder, 'm.onnx'), data }),
      /config\.json .*, and --data: .*nowhere does not exist/,
    );
  });

  for (const labels of [[], 'cat', ['cat', 7]]) {
    it(`that are ${JSON.stringify(labels)} are refused`, async () => {
      const folder = await temporaryFolder();
      const run = await writeRun(join(folder, 'run'), { config: { ...CONFIG, labels }, checkpoints: [] });
      const out = join(folder, 'm.onnx');
      await refuses(folder, () => exportRun({ run, out }), /"labels" must be a list of class names/);
    });
  }
});

describe('a broken run', () => {
  it('with a truncated checkpoint is refused, and an older export stays', async () => {
    const folder = await temporaryFolder();
    const run = await writeRun(join(folder, 'run'));
    const out = join(folder, 'm.onnx');
    await writeFile(out, 'an older model');
    for (const size of [1_000_000, 500, 4, 0]) {
      await truncate(run.checkpointPath('best'), size);
      await refuses(folder, () => exportRun({ run, out }), /best\.safetensors .*truncated/);
    }
    assert.equal(await readFile(out, 'utf8'), 'an older model');
  });

  it('with a checkpoint that lacks a tensor, or has one of another shape, is refused', async () => {
    const folder = await temporaryFolder();
    const run = await writeRun(join(folder, 'run'));
    const tensors = tensorsOf(trainedGraph(1));
    const progress = { epoch: 1, batch: 0 };
    const out = join(folder, 'm.onnx');
    tensors.delete('layer2.1.bn2.running_var');
    await saveCheckpoint(run.checkpointPath('best'), { tensors, progress });
    await refuses(folder, () => exportRun({ run, out }), /has no tensor "layer2\.1\.bn2\.running_var"/);
    await saveCheckpoint(run.checkpointPath('best'), { tensors: tensorsOf(trainedGraph(1, 10)), progress });
    await refuses(folder, () => exportRun({ run, out }), /"fc\.weight" is \[10,64\], .* needs \[100,64\]/);
  });

  it('whose weights are not finite is refused', async () => {
    const folder = await temporaryFolder();
    const run = await writeRun(join(folder, 'run'));
    const tensors = tensorsOf(trainedGraph(1));
    tensors.get('layer3.0.conv1.weight')!.data[7] = Number.NaN;
    await saveCheckpoint(run.checkpointPath('best'), { tensors, progress: { epoch: 1, batch: 0 } });
    const out = join(folder, 'm.onnx');
    await refuses(folder, () => exportRun({ run, out }), /m\.onnx was not written: .* not finite/);
  });

  it('without the checkpoint asked for is told which one there is', async () => {
    const folder = await temporaryFolder();
    const run = await writeRun(join(folder, 'run'), { checkpoints: ['last'] });
    const out = join(folder, 'm.onnx');
    await refuses(folder, () => exportRun({ run, out }), /no best checkpoint, but --checkpoint last/);
  });

  it('whose config is not of a training, or of an unknown dataset or model, is refused', async () => {
    const folder = await temporaryFolder();
    const run = await writeRun(join(folder, 'run'));
    const out = join(folder, 'm.onnx');
    const { model: _, ...incomplete } = CONFIG;
    const cases: [Record<string, unknown>, RegExp][] = [
      [incomplete, /config\.json names no model/],
      [{ ...CONFIG, dataset: 'imagenet' }, /the dataset "imagenet" is none of .*cifar100/],
      [{ ...CONFIG, model: 'vgg16' }, /there is no model "vgg16"/],
    ];
    for (const [config, message] of cases) {
      await run.writeConfig(config);
      await refuses(folder, () => exportRun({ run, out }), message);
    }
  });
});

describe('the output', () => {
  it('is exports/<model>.onnx by default', () => {
    assert.equal(defaultOutput('se_resnet20'), join('exports', 'se_resnet20.onnx'));
  });

  it('that cannot be written is refused', async () => {
    const folder = await temporaryFolder();
    const run = await writeRun(join(folder, 'run'));
    await writeFile(join(folder, 'file'), '');
    for (const out of [join(folder, 'file', 'm.onnx'), join(folder, 'run')]) {
      await refuses(folder, () => exportRun({ run, out }), /^cannot write .*; give another file with --out$/);
    }
  });
});
