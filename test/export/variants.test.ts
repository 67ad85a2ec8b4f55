import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { type ClassifierMetadata, decodeAnyMetadata, decodeMetadata } from '../../core/model-metadata.ts';
import { decodeModel } from '../../core/onnx/model-file.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';
import { modelCard } from '../../export/card/model-card.ts';
import { exportRun } from '../../export/export-model.ts';
import type { ExportOptions } from '../../export/options.ts';
import { defaultOutput } from '../../export/output/output-paths.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { writeRun } from './trained-run.ts';

const folder = await temporaryFolder();
const run = await writeRun(join(folder, 'run'), { checkpoints: ['best'] });
const IMAGES = 12;

/** Exports the run, and reads what is in the file. */
async function exported(name: string, options: ExportOptions) {
  const out = join(folder, name);
  const result = await exportRun({ run, out, verifyImages: IMAGES, ...options });
  const bytes = await readFile(out);
  const props = result.files.includes(`${out}.data`) ? {} : decodeModel(bytes, out).metadata;
  return { out, result, bytes, props };
}

async function shapes(path: string, feeds: Record<string, Tensor>): Promise<Record<string, unknown>> {
  const session = await openSession(path);
  const outputs = await session.run(feeds);
  await session.release();
  return Object.fromEntries(Object.entries(outputs).map(([name, { type, dims }]) => [name, [type, ...dims]]));
}

const floats = (...dims: number[]) =>
  new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b)), dims);

describe('fp16', () => {
  it('is half as large, takes and gives float32, and says how far it agrees', async () => {
    const { out, result, bytes, props } = await exported('half.onnx', { precision: 'fp16' });
    assert.ok(bytes.length < 0.55 * 1_115_000, String(bytes.length));
    assert.ok(result.maxDifference > 1e-6 && result.maxDifference < 0.05);
    assert.deepEqual(await shapes(out, { input: floats(2, 3, 32, 32) }), { logits: ['float32', 2, 100] });
    const { agreement, precision } = decodeMetadata(props, out);
    assert.equal(precision, 'fp16');
    assert.deepEqual(agreement, result.agreement);
    assert.equal(agreement!.on, 'test images of synthetic');
    assert.equal(agreement!.images, IMAGES);
    assert.ok(agreement!.top1Agreeing >= IMAGES - 1);
    const card = await readFile(join(folder, 'half.md'), 'utf8');
    const figures = `${agreement!.top1Agreeing} of 12 test images of synthetic`;
    assert.ok(card.includes(`The best class is that of float32 on ${figures}`), card);
  });
});

describe('int8', () => {
  it('is calibrated on training images, and says how far it agrees', async () => {
    const options = { precision: 'int8', calibration: { images: 20, method: 'minmax' } } as const;
    const { out, result, bytes, props } = await exported('int8.onnx', options);
    assert.ok(bytes.length < 0.4 * 1_115_000, String(bytes.length));
    assert.equal(result.quantization!.calibrationImages, 20);
    assert.deepEqual(await shapes(out, { input: floats(2, 3, 32, 32) }), { logits: ['float32', 2, 100] });
    const { agreement, precision } = decodeMetadata(props, out);
    assert.equal(precision, 'int8');
    assert.equal(agreement!.images, IMAGES);
    assert.equal(result.quantization!.weightBits, 8);
  });

  it('keeps to 7-bit weights where asked, and only in int8', async () => {
    const calibration = { images: 20 };
    const { result, bytes } = await exported('int7.onnx', {
      precision: 'int8',
      calibration,
      reduceRange: true,
    });
    assert.equal(result.quantization!.weightBits, 7);
    const { graph } = decodeModel(bytes);
    for (const { dtype, data } of graph.initializers.values()) {
      if (dtype === 'int8') assert.ok((data as Int8Array).every((value) => Math.abs(value) <= 63));
    }
    await assert.rejects(exported('none.onnx', { reduceRange: true }), /--reduce-range is for int8/);
  });
});

describe('preprocessing in the graph', () => {
  it('takes bytes and gives classes', async () => {
    const { out, result, props } = await exported('pixels.onnx', { preprocess: true, topK: 3 });
    const images = new Tensor('uint8', new Uint8Array(2 * 3072), [2, 32, 32, 3]);
    assert.deepEqual(await shapes(out, { images }), {
      probabilities: ['float32', 2, 3],
      indices: ['int64', 2, 3],
    });
    assert.ok(result.maxDifference < 1e-5);
    const metadata = decodeAnyMetadata(props, out);
    assert.deepEqual([metadata.preprocessing, metadata.inputLayout], ['graph', 'NHWC']);
    assert.throws(
      () => decodeMetadata(props, 'm.onnx'),
      /^UserError: m\.onnx normalises .*without --preprocess/,
    );
  });
});

describe('the layout and the batch size', () => {
  it('are as asked for', async () => {
    const { out, result, props } = await exported('rows.onnx', { layout: 'nhwc', batch: 4 });
    assert.deepEqual(await shapes(out, { input: floats(4, 32, 32, 3) }), { logits: ['float32', 4, 100] });
    await assert.rejects(shapes(out, { input: floats(1, 32, 32, 3) }), /invalid dimensions/);
    assert.ok(result.maxDifference < 1e-5);
    assert.throws(() => decodeMetadata(props, 'm.onnx'), /m\.onnx takes NHWC images; .*--layout nchw/);
  });
});

describe('external data', () => {
  it('lies beside the model, and goes with the next export that has none', async () => {
    const { out, result } = await exported('external.onnx', { externalData: true });
    assert.deepEqual(
      result.files.map((file) => basename(file)),
      ['external.onnx.data', 'external.labels.txt', 'external.md', 'external.onnx'],
    );
    assert.ok((await readFile(out)).length < 50_000);
    assert.deepEqual(await shapes(out, { input: floats(2, 3, 32, 32) }), { logits: ['float32', 2, 100] });
    await exported('external.onnx', {});
    assert.ok(!(await readdir(folder)).includes('external.onnx.data'));
  });
});

describe('labels and model card', () => {
  it('say what the model is', async () => {
    const { result } = await exported('card.onnx', { licence: 'CC-BY-4.0' });
    const labels = await readFile(join(folder, 'card.labels.txt'), 'utf8');
    assert.deepEqual(labels.trimEnd().split('\n'), result.metadata.labels);
    const card = await readFile(join(folder, 'card.md'), 'utf8');
    for (const text of [
      '# resnet20, synthetic',
      '| size | 1.12 MB |',
      '| parameters | 278,324 |',
      '| multiply-accumulates | 40.8 million an image',
      '| top-1 | 75.00 % (1500 right) |',
      '| learningRate | `0.1` |',
      'Weights: CC-BY-4.0.',
    ]) {
      assert.ok(card.includes(text), `${text}\nis not in\n${card}`);
    }
  });

  it('name the classes where there are few', async () => {
    const { result } = await exported('few.onnx', {});
    assert.ok(!(await readFile(join(folder, 'few.md'), 'utf8')).includes('Its classes:'));
    const metadata = { ...result.metadata, labels: ['cat', 'hot dog', 'a*b'] };
    const accuracy = { top1: 1, top5: 1, loss: 0, images: 2, top1Correct: 2, top5Correct: 2 };
    const measured = modelCard(
      { ...result, metadata: { ...metadata, accuracy } },
      { external: false, sha256: '00', trainedHere: true },
    );
    assert.match(measured, /top-1/);
    assert.doesNotMatch(measured, /top-5/);
    for (const preprocessing of [undefined, 'graph'] as const) {
      const wide = { ...metadata, preprocessing, inputWidth: 48, inputHeight: 32 } as typeof metadata;
      const { length } = modelCard(
        { ...result, metadata: wide },
        { external: false, sha256: '00', trainedHere: true },
      ).split(
        'w = max(1, min(image.width, int(image.height * (48 / 32) + 0.5)))\n' +
          'h = max(1, min(image.height, int(image.width / (48 / 32) + 0.5)))\n' +
          'left, top = (image.width - w) // 2, (image.height - h) // 2\n' +
          'image = image.crop((left, top, left + w, top + h)).resize((48, 32), PIL.Image.Resampling.BILINEAR)\n',
      );
      assert.equal(length, 2);
    }
    const card = modelCard({ ...result, metadata }, { external: false, sha256: '00', trainedHere: true });
    assert.ok(
      card.includes('which of 3 classes a picture shows.\n\nIts classes: cat, hot dog, a\\*b.\n'),
      card,
    );
  });

  it('do not replace a file that is no card', async () => {
    await writeFile(join(folder, 'README.md'), 'mine');
    const before = (await readdir(folder)).sort();
    await assert.rejects(
      exported('README.onnx', {}),
      /cannot write the model card .*README\.md: a file of another/,
    );
    assert.equal(await readFile(join(folder, 'README.md'), 'utf8'), 'mine');
    assert.deepEqual((await readdir(folder)).sort(), before);
  });
});

describe('options that do not fit', () => {
  const cases: [ExportOptions, RegExp][] = [
    [{ opset: 12 }, /--opset is from 13 to 23, not 12/],
    [{ opset: 24 }, /--opset is from 13 to 23, not 24/],
    [{ topK: 5 }, /--top-k is of a model that ranks by itself; add --preprocess/],
    [{ preprocess: true, topK: 101 }, /--top-k is from 1 to the 100 classes of the model, not 101/],
    [{ preprocess: true, layout: 'nchw' }, /leave out --layout nchw/],
    [{ calibration: { images: 10 } }, /are for int8; add --precision int8/],
  ];
  for (const [options, message] of cases) {
    it(`${JSON.stringify(options)} are refused`, async () => {
      await assert.rejects(exported('refused.onnx', options), (error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, message);
        return true;
      });
      assert.ok(!(await readdir(folder)).some((file) => file.startsWith('refused')));
    });
  }
});

describe('a file without a name', () => {
  it('has one that says what it is', () => {
    const names: [ExportOptions, string][] = [
      [{}, 'resnet50.onnx'],
      [{ precision: 'fp16' }, 'resnet50-fp16.onnx'],
      [{ precision: 'int8', layout: 'nhwc', batch: 8 }, 'resnet50-int8-nhwc-batch8.onnx'],
      [{ preprocess: true }, 'resnet50-preprocess.onnx'],
    ];
    for (const [options, name] of names) {
      assert.equal(defaultOutput('resnet50', options), join('exports', name));
    }
  });
});

describe('weights that float16 cannot hold', () => {
  it('are refused, and nothing is left behind', async () => {
    const huge = await writeRun(join(folder, 'huge'), { checkpoints: ['best'], scale: 1e6 });
    const out = join(folder, 'huge.onnx');
    await assert.rejects(
      exportRun({ run: huge, out, precision: 'fp16' }),
      /tensor "fc\.bias" has a value of .*, float16 ends at 65504; export it as fp32/,
    );
    assert.ok(!(await readdir(folder)).some((file) => file.startsWith('huge.')));
  });
});

/** Metadata survives as it is. */
describe('the metadata of every variant', () => {
  it('is read back as it was written', async () => {
    const { out, result, props } = await exported('meta.onnx', { precision: 'fp16', preprocess: true });
    const read: ClassifierMetadata = decodeAnyMetadata(props, out);
    assert.deepEqual(read, result.metadata);
  });
});
