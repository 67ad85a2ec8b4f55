import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { foldBatchNorm } from '../../core/onnx/passes/fold-batch-norm.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';
import { fitModel } from '../../core/weights/fit-model.ts';
import { loadWeights } from '../../core/weights/load-weights.ts';
import { decodeSafetensors, encodeSafetensors } from '../../core/weights/safetensors.ts';
import { hashUniform } from '../fixtures/torch-fixture.ts';
import { assertSameTensors, fixturePath, readFixture } from './support.ts';

interface Reference {
  imageSeed: number;
  images: number;
  tensors: number;
  sha256: string;
  logits: number[];
}

const reference: Reference = JSON.parse((await readFixture('resnet20.json')).toString());
const folder = await mkdtemp(join(tmpdir(), 'weights-test-'));
after(() => rm(folder, { recursive: true }));

describe('weights of a PyTorch resnet20', () => {
  it('are the bits that PyTorch saved, under their torchvision names', async () => {
    const { format, tensors } = await loadWeights(fixturePath('resnet20.pth'));
    assert.equal(format, 'pytorch');
    assert.equal(tensors.size, reference.tensors);
    const digest = createHash('sha256');
    for (const [name, { data }] of [...tensors].sort(([a], [b]) => (a < b ? -1 : 1)))
      digest.update(`${name}\0`).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    assert.equal(digest.digest('hex'), reference.sha256);
  });

  it('give the logits that they give in PyTorch, also with batch norm folded', async () => {
    const { tensors } = await loadWeights(fixturePath('resnet20.pth'));
    const { model, graph } = fitModel(tensors, 'resnet20.pth');
    assert.equal(model, 'resnet20');
    for (const net of [graph, foldBatchNorm(graph)]) {
      const session = await openSession(encodeModel(net));
      const dims = [reference.images, 3, 32, 32];
      const pixels = new Float32Array(reference.images * 3 * 32 * 32);
      for (let i = 0; i < pixels.length; i++) pixels[i] = 3.4 * (hashUniform(reference.imageSeed, i) - 0.5);
      const { logits } = await session.run({ input: new Tensor('float32', pixels, dims) });
      await session.release();
      assert.equal(logits!.data.length, reference.logits.length);
      const scale = Math.max(...reference.logits.map(Math.abs));
      assert.ok(scale > 0.1);
      for (const [i, value] of reference.logits.entries()) {
        const difference = Math.abs((logits!.data[i] as number) - value) / scale;
        assert.ok(difference <= 1e-4, `logit ${i} differs by ${difference}`);
      }
    }
  });

  it('come back bit for bit from safetensors and from ONNX', async () => {
    const { tensors } = await loadWeights(fixturePath('resnet20.pth'));
    const safetensors = join(folder, 'a.bin');
    await writeFile(safetensors, encodeSafetensors({ tensors, metadata: { note: 'x' } }));
    const fromSafetensors = await loadWeights(safetensors);
    assert.equal(fromSafetensors.format, 'safetensors');
    assert.deepEqual(fromSafetensors.metadata, { note: 'x' });
    assertSameTensors(fromSafetensors.tensors, tensors);
    const onnx = join(folder, 'b.bin');
    await writeFile(onnx, encodeModel(fitModel(tensors, 'x').graph, { model: 'resnet20' }));
    const fromOnnx = await loadWeights(onnx);
    assert.equal(fromOnnx.format, 'onnx');
    assert.deepEqual(fromOnnx.metadata, { model: 'resnet20' });
    assertSameTensors(fromOnnx.tensors, tensors);
  });
});

describe('loadWeights', () => {
  it('reads every float type of safetensors, as PyTorch converts them', async () => {
    const { tensors } = await loadWeights(fixturePath('formats.safetensors'));
    const expected = decodeSafetensors(await readFixture('formats-f32.safetensors'), 'expected');
    assertSameTensors(tensors, expected.tensors);
  });

  it('goes by the content, not by the extension', async () => {
    const path = join(folder, 'looks-like.onnx');
    await copyFile(fixturePath('formats.pth'), path);
    assert.equal((await loadWeights(path)).format, 'pytorch');
  });

  it('leaves out the optimiser state of our checkpoints', async () => {
    const one = { dims: [1], data: Float32Array.of(1) };
    const tensors = new Map([
      ['fc.bias', one],
      ['optimizer.momentum.fc.bias', one],
    ]);
    const path = join(folder, 'checkpoint.safetensors');
    await writeFile(path, encodeSafetensors({ tensors, metadata: {} }));
    assert.deepEqual([...(await loadWeights(path)).tensors.keys()], ['fc.bias']);
  });

  it('takes the averaged weights of a checkpoint that keeps an average', async () => {
    const value = (x: number) => ({ dims: [1], data: Float32Array.of(x) });
    const tensors = new Map([
      ['fc.bias', value(1)],
      ['ema.fc.bias', value(2)],
      ['optimizer.momentum.fc.bias', value(3)],
    ]);
    const path = join(folder, 'averaged.safetensors');
    await writeFile(path, encodeSafetensors({ tensors, metadata: {} }));
    assert.deepEqual((await loadWeights(path)).tensors, new Map([['fc.bias', value(2)]]));
  });

  it('tells the folded weights of an exported model, which fit the folded graph', async () => {
    const { tensors } = await loadWeights(fixturePath('resnet20.pth'));
    const folded = foldBatchNorm(fitModel(tensors, 'x').graph);
    const path = join(folder, 'folded.onnx');
    await writeFile(path, encodeModel(folded));
    const loaded = await loadWeights(path);
    assert.ok(loaded.tensors.has('conv1.bias'));
    const fitted = fitModel(loaded.tensors, path);
    assert.equal(fitted.model, 'resnet20');
    assert.equal(fitted.folded, true);
    assert.deepEqual(encodeModel(fitted.graph), encodeModel(folded));
  });

  it('tells nets with squeeze-and-excitation from those without', async () => {
    for (const model of ['se_resnet20', 'resnet14t']) {
      const path = join(folder, 'zoo.onnx');
      await writeFile(path, encodeModel(buildModel(model, { numClasses: 7 })));
      assert.equal(fitModel((await loadWeights(path)).tensors, path).model, model);
    }
  });

  it('says what stands in the place of weights, and that they are in several parts', async () => {
    for (const [name, content, message] of [
      [
        'a.safetensors',
        'version https://git-lfs.github.com/spec/v1\n',
        /a pointer of Git LFS .*; git lfs pull/,
      ],
      ['b.pth', '<!DOCTYPE html>', /a web page in the place of the file itself/],
      [
        'model.safetensors.index.json',
        '{"weight_map": {}}',
        /is JSON; weights in several parts.* one file first/,
      ],
      ['model-00001-of-00003.safetensors', 'any', /has part 1 of 3 of a net's weights, .* one file first/],
    ] as const) {
      const path = join(folder, name);
      await writeFile(path, content);
      await assert.rejects(
        loadWeights(path),
        (error) => error instanceof UserError && message.test(error.message),
      );
    }
    const one = join(folder, 'model-00001-of-00001.pth');
    await copyFile(fixturePath('resnet20.pth'), one);
    assert.equal((await loadWeights(one)).tensors.size, reference.tensors);
  });

  it('refuses what is no weights file, or not there', async () => {
    const text = join(folder, 'notes.pth');
    await writeFile(text, 'these are my notes');
    const cases: [string, RegExp, { key?: string }?][] = [
      [text, /notes\.pth is no safetensors file, PyTorch checkpoint or ONNX model/],
      [join(folder, 'absent.pth'), /^cannot read .*absent\.pth: ENOENT/],
      [folder, /^cannot read .*: it is not a file but a folder/],
      [
        fixturePath('formats.safetensors'),
        /is no PyTorch checkpoint, so it has no entry "ema"$/,
        { key: 'ema' },
      ],
    ];
    for (const [path, message, options] of cases) {
      await assert.rejects(loadWeights(path, options), (error) => {
        assert.ok(error instanceof UserError, String(error));
        assert.match(error.message, message);
        return true;
      });
    }
  });
});
