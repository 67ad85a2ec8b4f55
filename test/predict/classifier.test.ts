import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { makeSynthetic } from '../../core/data/synthetic.ts';
import { fetchPicture } from '../../core/image/fetch-picture.ts';
import { evaluateModelBytes } from '../../core/metrics/evaluate-model.ts';
import { encodeMetadata } from '../../core/model-metadata.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import {
  adaptModel,
  Classifier,
  convertWeights,
  type Evaluation,
  evaluate,
  exportModel,
  type ImageInput,
  loadDataset,
  type Prediction,
  type Server,
  startServer,
  UserError,
} from '../../index.ts';
import { picture, writeTree } from '../data/image-folder.ts';
import { modelFolder, RED, redNet } from '../foreign/red-net.ts';
import { fromRgb, noise, noisePng } from '../serve/support/images.ts';
import { temporaryFolder, writeTestModel } from '../serve/support/test-model.ts';

const ONE = { workers: 1, threads: 1 };

describe('Classifier', () => {
  let folder: string;
  let path: string;
  let classifier: Classifier;
  let server: Server;
  before(async () => {
    folder = await temporaryFolder();
    ({ path } = await writeTestModel(folder));
    classifier = await Classifier.open(path, ONE);
    server = await startServer({ models: [path], port: 0, ...ONE });
  });
  after(async () => {
    await server.close();
    await classifier.close();
  });

  /** What the server says of a picture. */
  async function served(bytes: Uint8Array, topK: number): Promise<Prediction[]> {
    const response = await fetch(`${server.url}/predict?topk=${topK}`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: new Uint8Array(bytes),
    });
    return ((await response.json()) as { predictions: Prediction[] }).predictions;
  }

  it('says what the model is', () => {
    const { name, labels, dataset, width, height, scores, precision, notes, normalization } = classifier;
    assert.deepEqual(
      { name, dataset, width, height, scores, precision, notes },
      {
        ...{ name: 'resnet20', dataset: 'cifar100', width: 32, height: 32 },
        ...{ scores: 'exclusive', precision: 'fp32', notes: [] },
      },
    );
    assert.equal(labels.length, 10);
    assert.deepEqual(normalization, { mean: [0.5, 0.4, 0.3], std: [0.3, 0.2, 0.25] });
  });

  it('says of every kind of file what the server says', async () => {
    const large = fromRgb(noise(3, 300, 200), 300, 200);
    const files: Record<string, Buffer | Uint8Array> = {
      small: await noisePng(1),
      large: await large.clone().png().toBuffer(),
      turned: await large.clone().withMetadata({ orientation: 6 }).jpeg().toBuffer(),
      see_through: await large.clone().ensureAlpha(0.4).webp({ lossless: true }).toBuffer(),
      grey: await large.clone().greyscale().gif().toBuffer(),
    };
    for (const [name, bytes] of Object.entries(files)) {
      const expected = await served(bytes, 4);
      assert.equal(expected.length, 4, name);
      assert.deepEqual(await classifier.classify(bytes, { topK: 4 }), expected, name);
    }
  });

  it('takes paths, file addresses, bytes and pixels alike, and formats that the server leaves out', async () => {
    const rgb = noise(5, 40, 40);
    await writeTree(folder, {
      'a.png': fromRgb(rgb, 40, 40).png(),
      'a.tif': fromRgb(rgb, 40, 40).tiff({ compression: 'lzw' }),
    });
    await writeFile(join(folder, 'a.bmp'), bitmap(rgb, 40, 40));
    const file = join(folder, 'a.png');
    const inputs: ImageInput[] = [
      ...[file, pathToFileURL(file), await readFile(file)],
      { data: rgb, width: 40, height: 40, channels: 3 },
      ...[join(folder, 'a.tif'), join(folder, 'a.bmp')],
    ];
    const [first, ...others] = await classifier.classify(inputs);
    assert.equal(first!.length, 5);
    for (const other of others) assert.deepEqual(other, first);
  });

  it('gives all classes where more are asked for, and refuses what is no number of classes', async () => {
    const png = await noisePng(2);
    const all = await classifier.classify(png, { topK: 99 });
    assert.equal(all.length, 10);
    assert.ok(Math.abs(all.reduce((sum, { probability }) => sum + probability, 0) - 1) < 1e-5);
    for (const topK of [0, -1, 1.5, Number.NaN]) {
      await assert.rejects(
        classifier.classify(png, { topK }),
        /^UserError: topK is a whole number from 1 on, not/,
      );
    }
  });

  it('and its like refuse an option that is spelled otherwise', async () => {
    // As plain JavaScript calls them.
    const calls: [string, () => Promise<unknown>, string][] = [
      ['Classifier.open', () => Classifier.open(path, { maxbatch: 3 } as object), 'maxBatch'],
      ['classify', () => classifier.classify(path, { topk: 1 } as object), 'topK'],
      ['startServer', () => startServer({ model: path, port: 0 } as object), 'models'],
      ['evaluate', () => evaluate(classifier, makeSynthetic(), { limits: 3 } as object), 'limit'],
      ['loadDataset', () => loadDataset({ imagesize: 16 } as object), 'imageSize'],
      ['exportModel', () => exportModel({ weights: path, opSet: 17 } as object), 'opset'],
      ['adaptModel', () => adaptModel(path, { Precision: 'fp16' } as object), 'precision'],
      ['convertWeights', () => convertWeights(path, 'x.onnx', { Model: 'x' } as object), 'model'],
    ];
    for (const [of, call, meant] of calls) {
      const message = `^UserError: ${of} has no option "\\w+"; did you mean ${meant}\\?$`;
      await assert.rejects(call, new RegExp(message));
    }
    await assert.rejects(
      startServer({ port: 99999999 }),
      /^UserError: a port is a whole number from 0 to 65535, not 99999999$/,
    );
  });

  it('names the picture that cannot be classified', async () => {
    const good = await noisePng(1);
    const missing = join(folder, 'missing.png');
    // Large enough for a thread.
    const large = await picture(1, 600, 400).png().toBuffer();
    const cases: [ImageInput, RegExp][] = [
      [missing, /^UserError: there is no file .*missing\.png$/],
      [folder, /^UserError: cannot read .*: it is not a file but a folder/],
      [new Uint8Array(0), /^UserError: image 1 is no PNG/],
      [good.subarray(0, 500), /^UserError: image 1 is damaged/],
      [large.subarray(0, 300_000), /^UserError: image 1 is damaged/],
      [Buffer.alloc(200_000), /^UserError: image 1 is no PNG/],
      [
        { data: new Uint8Array(11), width: 2, height: 2, channels: 3 },
        /^UserError: image 1 must have .* not 11 for 2 x 2 x 3/,
      ],
      ['https://example.com/a.png', /is an address and no file; give it as new URL/],
      [
        new URL('ftp://example.com/a.png'),
        /^UserError: ftp:\/\/example\.com\/a\.png is no http or https address/,
      ],
    ];
    for (const [image, message] of cases) await assert.rejects(classifier.classify([good, image]), message);
  });

  it('classifies any number of pictures in their order, in little memory, and goes on after a broken one', async () => {
    // The first takes longest.
    const slow = await picture(1, 2000, 2000).jpeg().toBuffer();
    const fast = await noisePng(4);
    let asked = 0;
    function* images(): Generator<Uint8Array> {
      for (; asked < 200; asked++) yield asked === 0 ? slow : asked === 7 ? fast.subarray(0, 300) : fast;
    }
    const [expectedSlow, expectedFast] = await classifier.classify([slow, fast], { topK: 1 });
    const seen: (Prediction[] | string)[] = [];
    for await (const result of classifier.classifyEach(images(), { topK: 1 })) {
      seen.push('error' in result ? result.error.message : result.predictions);
      assert.ok(asked - seen.length <= 64, `${asked} were taken when ${seen.length} were given`);
    }
    assert.equal(seen.length, 200);
    assert.deepEqual(seen[0], expectedSlow);
    assert.match(seen[7] as string, /^image 7 is damaged/);
    const others = seen.filter((_, i) => i !== 0 && i !== 7);
    assert.ok(
      others.every((predictions) => (predictions as Prediction[])[0]!.index === expectedFast![0]!.index),
    );
    assert.deepEqual(others[150], expectedFast);
  });

  it('may be left in the middle', async () => {
    const png = await noisePng(4);
    for await (const result of classifier.classifyEach(Array(100).fill(png))) {
      assert.ok('predictions' in result);
      break;
    }
    assert.equal((await classifier.classify(png)).length, 5);
  });

  it('runs on prepared images', async () => {
    const { width, height } = classifier;
    const input = new Float32Array(40 * 3 * width * height);
    const scores = await classifier.run(input, 40);
    assert.equal(scores.length, 400);
    assert.deepEqual(scores.subarray(0, 10), await classifier.run(input.subarray(0, 3 * width * height), 1));
    await assert.rejects(classifier.run(input, 39), RangeError);
  });

  it('is evaluated as the trainer and the server do', async () => {
    const dataset = await syntheticModel(folder);
    const model = await Classifier.open(join(folder, 'synthetic.onnx'), ONE);
    const expected = await evaluateModelBytes(
      await readFile(join(folder, 'synthetic.onnx')),
      dataset,
      dataset.test,
    );
    const progress: number[] = [];
    const result = await evaluate(model, dataset, {
      batchSize: 50,
      onProgress: ({ done }) => progress.push(done),
    });
    const first = await evaluate(model, dataset, { limit: 30 });
    await model.close();
    assert.deepEqual(progress, [50, 100, 120]);
    assert.equal(result.images, 120);
    assert.equal(result.top1Correct, expected.top1Correct);
    assert.equal(result.top5Correct, expected.top5Correct);
    assert.ok(Math.abs(result.loss! - expected.loss) < 1e-4);
    const counted = result.confusion.map((row, label) => row[label]!).reduce((sum, n) => sum + n, 0);
    assert.equal(counted, expected.top1Correct);
    assert.equal(
      result.classes.reduce((sum, { correct }) => sum + correct, 0),
      expected.top1Correct,
    );
    const other = await startServer({ models: [join(folder, 'synthetic.onnx')], port: 0, ...ONE });
    const through = await evaluate(other.url, dataset, { limit: 30 });
    await other.close();
    const counts = ({ images, top1, top5, top1Correct, top5Correct, classes, confusion }: Evaluation) => ({
      ...{ images, top1, top5, top1Correct, top5Correct, classes, confusion },
    });
    assert.equal(through.images, 30);
    assert.deepEqual(counts(through), counts(first));
  });

  it('is not evaluated on images of other classes or another size', async () => {
    const dataset = makeSynthetic({ splits: ['test'], test: 10 });
    await assert.rejects(
      evaluate(classifier, dataset),
      /^UserError: the model has 10 classes but synthetic has 100/,
    );
    const renamed = { ...dataset, labels: classifier.labels.map((_, i) => `other ${i}`) };
    await assert.rejects(
      evaluate(classifier, renamed),
      /^UserError: class 0 of the model is "class 0" but .* "other 0"/,
    );
    const larger = { ...dataset, labels: [...classifier.labels], height: 64, width: 64 };
    await assert.rejects(
      evaluate(classifier, larger),
      /32x32, those of synthetic are 64x64; load them with imageSize: 32$/,
    );
  });

  it('refuses work once it is closed', async () => {
    const closed = await Classifier.open(path, ONE);
    await Promise.all([closed.close(), closed.close()]);
    await assert.rejects(closed.classify(await noisePng(1)), /^UserError: the classifier is closed/);
  });

  it('says that there is no such model, or no such number of threads', async () => {
    await assert.rejects(Classifier.open('nothing-such'), UserError);
    await assert.rejects(
      Classifier.open(path, { workers: 0 }),
      /^UserError: workers is a whole number from 1 on, not 0$/,
    );
    await assert.rejects(Classifier.open('nothing-such'), /there is no file "nothing-such"/);
  });
});

describe('Classifier of models of other programs', () => {
  const { folder, add } = modelFolder();
  const red: ImageInput = {
    ...{ width: 10, height: 10, channels: 3 },
    data: Uint8Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? 255 : 0)),
  };
  const rounded = (predictions: Prediction[]) =>
    predictions.map(({ label, probability }) => [label, Number(probability.toFixed(4))]);

  it('is fed as the JSON beside it, or another one, says', async () => {
    const path = add('plain', redNet());
    const plain = await Classifier.open(path, ONE);
    assert.deepEqual(rounded(await plain.classify(red))[0], ['red', 0.9647]);
    await plain.close();
    const preprocessing = join(folder, 'other.json');
    await writeFile(preprocessing, JSON.stringify({ ...RED, labels: ['rot', 'grün', 'blau'] }));
    const other = await Classifier.open(path, { preprocessing, ...ONE });
    assert.deepEqual(rounded(await other.classify(red))[0], ['rot', 0.9647]);
    await other.close();
  });

  it('keeps independent scores, which are not evaluated', async () => {
    const several = await Classifier.open(
      add(
        'several',
        redNet((b, x) => b.node('Sigmoid', [x])),
      ),
      ONE,
    );
    assert.equal(several.scores, 'independent');
    assert.deepEqual(rounded(await several.classify(red)), [
      ['red', 0.8808],
      ['green', 0.1192],
      ['blue', 0.1192],
    ]);
    const dataset = { ...makeSynthetic({ test: 2, splits: ['test'] }), labels: [...several.labels] };
    await assert.rejects(
      evaluate(several, dataset),
      /^UserError: the model gives every class a probability of/,
    );
    await several.close();
  });

  it('runs one image after the other where a batch fails, and says so', async () => {
    const baked = await Classifier.open(
      add(
        'baked',
        redNet((b, x) => b.node('Reshape', [x, b.int64([1, 3])])),
      ),
      ONE,
    );
    assert.match(baked.notes.join(), /it fails with 2 images at once.* image by image$/);
    const answers = await baked.classify(Array<ImageInput>(20).fill(red));
    for (const answer of answers) assert.deepEqual(rounded(answer)[0], ['red', 0.9647]);
    await baked.close();
  });
});

describe('pictures on the web', () => {
  let http: HttpServer;
  let url: string;
  before(async () => {
    const png = await noisePng(1);
    http = createServer((request, response) => {
      if (request.url === '/a.png') response.end(png);
      else if (request.url === '/moved.png') response.writeHead(302, { location: '/a.png' }).end();
      else if (request.url === '/slow.png') response.write(png.subarray(0, 10));
      else if (request.url === '/endless.png') {
        const more = (): void => {
          while (response.write(Buffer.alloc(65_536)));
        };
        response.on('drain', more);
        more();
      } else response.writeHead(404).end('no');
    });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  });
  after(() => {
    http.closeAllConnections();
    http.close();
  });

  it('are fetched, within limits of size and time', async () => {
    const png = await noisePng(1);
    assert.deepEqual(new Uint8Array(await fetchPicture(new URL('/a.png', url))), png);
    assert.deepEqual(new Uint8Array(await fetchPicture(new URL('/moved.png', url))), png);
    await assert.rejects(
      fetchPicture(new URL('/none.png', url)),
      /^UserError: .*none\.png answered 404 Not Found$/,
    );
    await assert.rejects(
      fetchPicture(new URL('/endless.png', url), { maxBytes: 1e6 }),
      /^UserError: .*endless\.png has more than 1 MB/,
    );
    await assert.rejects(
      fetchPicture(new URL('/slow.png', url), { seconds: 0.3 }),
      /^UserError: .*slow\.png did not arrive within 0\.3 s$/,
    );
    await assert.rejects(
      fetchPicture(new URL('http://127.0.0.1:1/a.png')),
      /^UserError: .* cannot be fetched: /,
    );
    await assert.rejects(fetchPicture(new URL('data:image/png;base64,AA==')), /is no http or https address$/);
  });
});

/** A net for the synthetic classes with random weights, and images of them. */
async function syntheticModel(folder: string) {
  const dataset = makeSynthetic({ splits: ['test'], test: 120 });
  const graph = buildModel('resnet20', { numClasses: 100 });
  initializeParameters(graph, 3);
  const metadata = encodeMetadata({
    ...{ model: 'resnet20', dataset: 'synthetic', labels: dataset.labels, ...dataset.normalization },
    ...{ inputLayout: 'NCHW', colorSpace: 'RGB', inputHeight: 32, inputWidth: 32 },
  });
  await writeFile(join(folder, 'synthetic.onnx'), encodeModel(graph, metadata));
  return dataset;
}

/** A Windows bitmap of 24 bits; rows from the bottom, BGR, padded to four bytes. */
function bitmap(rgb: Uint8Array, width: number, height: number): Uint8Array {
  const stride = Math.ceil((width * 3) / 4) * 4;
  const file = Buffer.alloc(54 + stride * height);
  file.write('BM');
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        file[54 + (height - 1 - y) * stride + x * 3 + 2 - c] = rgb[(y * width + x) * 3 + c]!;
      }
    }
  }
  return file;
}
