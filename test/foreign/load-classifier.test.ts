import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { UserError } from '../../core/errors.ts';
import { type LoadedClassifier, loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import { softmax } from '../../core/metrics/softmax.ts';
import { str } from '../../core/onnx/graph.ts';
import { Normalizer } from '../../core/preprocess/normalize.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';
import { modelFolder, RED, redNet } from './red-net.ts';
import { EXPECTED, FIXTURES, foreignFolder, PREPROCESSING, writeJson } from './support.ts';

const folder = foreignFolder();

/** The probabilities of the picture, as the last of a batch of three. */
async function classify({ bytes, metadata }: LoadedClassifier): Promise<Float32Array> {
  const pixels = await sharp(join(FIXTURES, 'picture.png')).raw().toBuffer();
  const size = pixels.length;
  const images = new Float32Array(3 * size);
  new Normalizer(metadata).interleaved(pixels, 3, images.subarray(2 * size), 0, size / 3);
  const session = await openSession(bytes);
  const { logits } = await session.run({ input: new Tensor('float32', images, [3, 3, 32, 32]) });
  await session.release();
  const classes = EXPECTED.labels.length;
  assert.deepEqual(logits!.dims, [3, classes]);
  return softmax((logits!.data as Float32Array).subarray(2 * classes));
}

describe('a model made by PyTorch is adapted', () => {
  for (const name of Object.keys(PREPROCESSING)) {
    it(`and gives PyTorch's probabilities: ${name}`, async () => {
      const classifier = await loadClassifier(join(folder, `${name}.onnx`));
      assert.deepEqual(classifier.metadata.labels, EXPECTED.labels);
      assert.equal(classifier.metadata.model, name);
      const probabilities = await classify(classifier);
      for (const [i, expected] of EXPECTED.probabilities.entries()) {
        assert.ok(Math.abs(probabilities[i]! - expected) < 1e-6, `class ${i}: ${probabilities[i]}`);
      }
    });
  }

  it('and then is one of ours, which needs no file beside it', async () => {
    const { bytes, metadata } = await loadClassifier(join(folder, 'dynamo.onnx'));
    const path = join(folder, 'adapted.onnx');
    writeFileSync(path, bytes);
    const again = await loadClassifier(path);
    assert.deepEqual(again.metadata, metadata);
    assert.deepEqual(again.bytes, bytes);
  });
});

describe('what a model leaves open', () => {
  const load = (name: string, json: unknown) =>
    loadClassifier(join(folder, `${name}.onnx`), { preprocessing: writeJson(folder, 'given', json) });
  const { mean, std } = EXPECTED;

  it('has names of its own: classes by number', async () => {
    const { metadata } = await load('legacy', { mean, std, name: 'ours', dataset: 'animals' });
    assert.deepEqual(metadata.labels, ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    assert.deepEqual([metadata.model, metadata.dataset], ['ours', 'animals']);
  });

  it('may be said in another scale', async () => {
    const bytes = (values: number[]) => values.map((value) => value * 255);
    const { metadata } = await load('legacy', { mean: bytes(mean), std: bytes(std), scale: 1 });
    for (const [i, value] of metadata.mean.entries()) assert.ok(Math.abs(value - mean[i]!) < 1e-12);
    for (const [i, value] of metadata.std.entries()) assert.ok(Math.abs(value - std[i]!) < 1e-12);
  });

  const refused: [string, string, unknown, RegExp][] = [
    ['too few labels', 'legacy', { mean, std, labels: ['a'] }, /10 scores an image, but there are 1 labels/],
    ['no mean', 'legacy', { std }, /must give "mean" and "std"/],
    ['a std of nothing', 'legacy', { mean, std: [1, 0, 1] }, /"std" must be/],
    ['another size', 'legacy', { mean, std, size: 224 }, /another size than the "size"/],
    ['another layout', 'legacy', { mean, std, layout: 'NHWC' }, /has 32 channels as NHWC/],
    ['a grey picture', 'legacy', { mean, std, color: 'gray' }, /has 3 channels as NCHW, gray images have 1/],
    ['no such input', 'legacy', { mean, std, input: 'data' }, /no input "data"; it has "pixel_values"/],
    ['no such output', 'legacy', { mean, std, output: 'x' }, /no output "x"; it has "scores"/],
    ['an unknown key', 'legacy', { mean, std, colour: 'RGB' }, /a key "colour", which is none of/],
    ['no labels file', 'legacy', { mean, std, labels: 'none.txt' }, /cannot read the labels/],
    ['a list', 'legacy', [], /must be a JSON object/],
  ];
  for (const [what, name, json, message] of refused) {
    it(`is refused in one line: ${what}`, async () => {
      await assert.rejects(load(name, json), (error: Error) => {
        assert.ok(error instanceof UserError, error.stack);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
    });
  }

  it('is no matter of what is no model at all', async () => {
    for (const [start, message] of [
      [
        'version https://git-lfs.github.com/spec/v1\noid sha256:0\n',
        /a pointer of Git LFS .*; git lfs pull gets/,
      ],
      ['\n<!DOCTYPE html><html></html>', /a web page in the place of the file itself; download that$/],
      ['PK\x03\x04\0\0', /a zip file, as of PyTorch, and no ONNX model/],
    ] as const) {
      const path = join(folder, 'no-model.onnx');
      writeFileSync(path, start, 'latin1');
      await assert.rejects(loadClassifier(path), message);
    }
  });

  it('is asked for where there is nothing', async () => {
    rmSync(join(folder, 'legacy.json'));
    await assert.rejects(loadClassifier(join(folder, 'legacy.onnx')), /put that into legacy\.json beside it/);
  });
});

describe('a ScatterND that combines values', () => {
  const { add } = modelFolder();
  // To the scores of the first image something is added at these places.
  const net = (reduction: string, ...places: number[]) =>
    redNet(
      (b, logits) => {
        const updates = b.float32(new Array<number>(3 * places.length).fill(0.25), [places.length, 3]);
        const indices = b.int64(places, [places.length, 1]);
        return b.node('ScatterND', [logits, indices, updates], { reduction: str(reduction) });
      },
      { opset: 18 },
    );

  it('is refused where several are for one place: onnxruntime loses some of what threads add', async () => {
    for (const [i, model] of [net('add', 0, 0), net('mul', 0, 0)].entries()) {
      await assert.rejects(loadClassifier(add(`twice-${i}`, model, RED)), (error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, /ScatterND .* combines values at one place .*ScatterElements/);
        return true;
      });
    }
  });

  it('is taken where each place has one, or the last one is to stay', async () => {
    for (const [i, model] of [net('add', 0), net('none', 0, 0)].entries()) {
      const { metadata } = await loadClassifier(add(`once-${i}`, model, RED));
      assert.deepEqual(metadata.labels, RED.labels);
    }
  });
});
