import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import { decodeMetadata } from '../../core/model-metadata.ts';
import type { GraphBuilder } from '../../core/onnx/builder.ts';
import { int } from '../../core/onnx/graph.ts';
import { decodeModel, encodeModel } from '../../core/onnx/model-file.ts';
import { convertToFloat16 } from '../../core/onnx/passes/to-float16.ts';
import { evaluationBatches } from '../../core/preprocess/evaluation-batches.ts';
import { quantizeModel } from '../../export/quantize/quantize-model.ts';
import { startDemo } from '../../web-demo/start.ts';
import { RED, redNet } from '../foreign/red-net.ts';
import { SKIP_WITHOUT_CHROMIUM } from './chromium.ts';
import { DemoPage } from './demo-page.ts';
import { picture, RECORD } from './fixtures.ts';
import { Reference } from './reference.ts';
import { RECORDS, TestDemo } from './test-demo.ts';

const CALIBRATION_IMAGES = 40;

describe('models in other precisions', { skip: SKIP_WITHOUT_CHROMIUM, timeout: 1_800_000 }, () => {
  let test: TestDemo;
  let page: DemoPage;

  before(async () => {
    test = await TestDemo.start();
    const model = new Uint8Array(await readFile(test.model));
    const { graph, metadata: props } = decodeModel(model, test.model);
    const metadata = decodeMetadata(props, test.model);
    const images = Buffer.concat(
      Array.from({ length: CALIBRATION_IMAGES }, (_, i) =>
        test.testSet.subarray(i * RECORD + 2, (i + 1) * RECORD),
      ),
    );
    const calibration = { count: CALIBRATION_IMAGES, images, labels: new Uint16Array(CALIBRATION_IMAGES) };
    const { graph: int8 } = await quantizeModel(graph, {
      batches: () => evaluationBatches(calibration, metadata, 20),
    });
    await writeFile(path.join(test.folder, 'int8.onnx'), encodeModel(int8, props));
    await writeFile(path.join(test.folder, 'fp16.onnx'), encodeModel(convertToFloat16(graph), props));
    page = await test.open();
  });

  after(() => test?.close());

  // Integer kernels differ by how they round between layers, also from one kind of processor to another.
  for (const [precision, tolerance] of [
    ['fp16', 0.005],
    ['int8', 0.15],
  ] as const) {
    it(`opens ${precision}, chosen and dropped, and guesses as onnxruntime-node does`, async () => {
      const file = path.join(test.folder, `${precision}.onnx`);
      const reference = await Reference.open(file);
      const given = await picture(96, 96);
      const expected = await reference.classify(given);
      const best = expected[0]!;
      await page.guessesAfter(() => page.choose('#picture-file', 'a.png', given.png, 'image/png'));
      for (const how of ['chosen', 'dropped']) {
        const name = `${how}-${precision}.onnx`;
        const bytes = await readFile(file);
        const guesses = await page.guessesAfter(() =>
          how === 'chosen' ? page.choose('#model-file', name, bytes) : page.give('drop', name, bytes, ''),
        );
        assert.equal(await page.page.inputValue('#model-select'), name);
        assert.match(await page.textOf('#model-facts'), new RegExp(`Weights.*, ${precision}`));
        const same = guesses.find(({ label }) => label === best.label);
        assert.ok(
          same && Math.abs(same.probability - best.probability) < tolerance,
          JSON.stringify({ guesses, expected }),
        );
      }
    });

    it(`counts the test set in ${precision}`, async () => {
      const reference = await Reference.open(path.join(test.folder, `${precision}.onnx`));
      const expected = await reference.evaluate(test.testSet);
      await page.show('test');
      await page.page.check('input[name=sample][value=all]', { force: true });
      await page.page.evaluate(() => {
        document.querySelector('#test-verdict')!.textContent = '';
      });
      await page.page.click('#run');
      const [right] = (await page.textOf('#test-verdict')).match(/\d+/) ?? [];
      const apart = Math.abs(Number(right) - expected.top1Correct);
      assert.ok(apart <= RECORDS * tolerance * 0.2, `${right} in the page, ${expected.top1Correct} in node`);
      await page.show('classify');
    });
  }

  it('complains about nothing', () => assert.deepEqual(page.complaints, []));

  it('has a model of another program as the files beside it say, and says what it assumes of a dropped one', async () => {
    const model = path.join(test.folder, 'red.onnx');
    const softmax = (b: GraphBuilder, x: string) =>
      b.node('Identity', [b.node('Softmax', [x], { axis: int(-1) })]);
    await writeFile(model, redNet(softmax));
    await writeFile(path.join(test.folder, 'red.json'), JSON.stringify(RED));
    const demo = await startDemo({ model, port: 0, host: '127.0.0.1', runs: path.join(test.folder, 'runs') });
    const other = await DemoPage.open(test.browser, demo.url);
    const red = await sharp({ create: { width: 20, height: 30, channels: 3, background: '#f00' } })
      .png()
      .toBuffer();
    const guess = async (given: Promise<{ label: string; probability: number }[]>) =>
      (await given).map(({ label, probability }) => [label, probability.toFixed(3)]);
    const first = await guess(
      other.guessesAfter(() => other.choose('#picture-file', 'red.png', red, 'image/png')),
    );
    assert.deepEqual(first, [
      ['red', '0.965'],
      ['green', '0.018'],
      ['blue', '0.018'],
    ]);
    assert.equal(await other.page.isHidden('#model-note'), true);

    const sigmoids = redNet((b, x) => b.node('Sigmoid', [x]));
    const dropped = await other.guessesAfter(() =>
      other.give('drop', 'sigmoids.onnx', Buffer.from(sigmoids), ''),
    );
    // By CIFAR-100's mean and deviation: sigmoid(2 * (1 - 0.5071) / 0.2673).
    assert.equal(dropped[0]!.label, 'class 0');
    assert.ok(Math.abs(dropped[0]!.probability - 0.9755) < 2e-3, String(dropped[0]!.probability));
    assert.match(await other.textOf('#model-note'), /CIFAR’s normalisation is assumed/);
    assert.deepEqual(other.complaints, []);
    await other.close();
    await demo.close();
  });
});
