import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { decodeMetadata } from '../../core/model-metadata.ts';
import { decodeModel, encodeModel } from '../../core/onnx/model-file.ts';
import { convertToFloat16 } from '../../core/onnx/passes/to-float16.ts';
import { evaluationBatches } from '../../core/preprocess/evaluation-batches.ts';
import { quantizeModel } from '../../export/quantize/quantize-model.ts';
import { SKIP_WITHOUT_CHROMIUM } from './chromium.ts';
import type { DemoPage } from './demo-page.ts';
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
});
