import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { type RunningDemo, startDemo } from '../../web-demo/start.ts';
import { findChromium, launchChromium } from './chromium.ts';
import { assertSameGuesses, DemoPage } from './demo-page.ts';
import { modelFile, picture, testSetBytes } from './fixtures.ts';
import { Reference } from './reference.ts';

const RECORDS = 200;

const chromium = await findChromium();
const missing = 'there is no Chromium; install it or set CHROMIUM_PATH';
if (!chromium && process.env.CI === 'true') throw new Error(missing);

describe('the demo page', { skip: chromium ? false : missing, timeout: 240_000 }, () => {
  let folder: string;
  let demo: RunningDemo;
  let browser: Browser;
  let reference: Reference;
  let testSet: Buffer;
  let page: DemoPage;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'demo-test-'));
    const model = await modelFile(folder);
    testSet = await testSetBytes(RECORDS);
    await writeFile(path.join(folder, 'test.bin'), testSet);
    reference = await Reference.open(model);
    demo = await startDemo({ model, port: 0, host: '127.0.0.1', data: folder });
    browser = await launchChromium(chromium!);
    page = await DemoPage.open(browser, demo.url);
  });

  after(async () => {
    await browser?.close();
    demo?.server.closeAllConnections();
    demo?.server.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it('is isolated and says which backend it uses', async () => {
    assert.equal(await page.page.evaluate(() => crossOriginIsolated), true);
    const threads = await page.page.evaluate(() => navigator.hardwareConcurrency);
    assert.match(await page.textOf('#backend'), new RegExp(`WebAssembly SIMD, ${threads} thread`));
  });

  it('shows what the model says of itself', async () => {
    const facts = await page.textOf('#model-facts');
    assert.ok(facts.includes(reference.metadata.model), facts);
    assert.ok(facts.includes(`${reference.metadata.labels.length} classes`), facts);
  });

  for (const [width, height] of [
    [32, 32],
    [320, 320],
    [301, 200],
  ] as const) {
    it(`guesses a ${width}x${height} picture as onnxruntime-node does`, async () => {
      const given = await picture(width, height);
      const guesses = await page.guessesAfter(() =>
        page.choose('#picture-file', 'mine.png', given.png, 'image/png'),
      );
      assertSameGuesses(guesses, await reference.classify(given));
      assert.match(await page.textOf('#original-caption'), new RegExp(`${width}×${height}`));
      assert.match(await page.textOf('#timing'), /\d ms to infer/);
      assert.match(await page.textOf('#announcement'), /^Best guesses: /);
    });
  }

  for (const how of ['drop', 'paste'] as const) {
    it(`takes a picture by ${how}`, async () => {
      const given = await picture(how === 'drop' ? 64 : 80, 64);
      const guesses = await page.guessesAfter(() => page.give(how, 'given.png', given.png, 'image/png'));
      assertSameGuesses(guesses, await reference.classify(given));
    });
  }

  it('lays transparency over white and turns as EXIF says', async () => {
    const clear = sharp({
      create: { width: 40, height: 40, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
    });
    await page.guessesAfter(async () =>
      page.choose('#picture-file', 'clear.png', await clear.png().toBuffer(), 'image/png'),
    );
    const pixel = await page.page.$eval('#seen', (canvas) => [
      ...(canvas as HTMLCanvasElement).getContext('2d')!.getImageData(16, 16, 1, 1).data,
    ]);
    assert.deepEqual(pixel, [255, 255, 255, 255]);

    const { png } = await picture(120, 60);
    const turned = await sharp(png).jpeg().withMetadata({ orientation: 6 }).toBuffer();
    await page.guessesAfter(() => page.choose('#picture-file', 'turned.jpg', turned, 'image/jpeg'));
    assert.match(await page.textOf('#original-caption'), /60×120/);
  });

  it('says in one line that a file is no picture, and keeps the last one', async () => {
    await page.choose('#picture-file', 'broken.png', Buffer.from('no picture at all'), 'image/png');
    const line = await page.textOf('#picture-error');
    assert.match(line, /^"broken\.png" is not a picture this browser can read; use a PNG/);
    assert.ok(!line.includes('\n'));
    assert.equal(await page.page.locator('#predictions li').count(), 5);
    // A good picture clears it.
    const given = await picture(32, 32);
    await page.guessesAfter(() => page.choose('#picture-file', 'good.png', given.png, 'image/png'));
    assert.equal(await page.page.textContent('#picture-error'), '');
  });

  it('says in one line that a file is no model, and keeps the open one', async () => {
    await page.choose('#model-file', 'broken.onnx', Buffer.from('no model at all'));
    assert.match(await page.textOf('#model-error'), /^broken\.onnx is not an ONNX model/);
    const given = await picture(48, 48);
    const guesses = await page.guessesAfter(() =>
      page.choose('#picture-file', 'still.png', given.png, 'image/png'),
    );
    assertSameGuesses(guesses, await reference.classify(given));
  });

  it('draws examples that can be clicked, and by keyboard', async () => {
    assert.equal(await page.page.locator('#drawn-examples button').count(), 6);
    await page.guessesAfter(() => page.page.click('#drawn-examples button:first-child'));
    await page.guessesAfter(async () => {
      await page.page.locator('#test-thumbs button').first().focus();
      await page.page.keyboard.press('Enter');
    });
    assert.match(await page.textOf('#truth'), /^True class: /);
  });

  it('counts the test set as onnxruntime-node does', async () => {
    assert.match(await page.textOf('#test-source'), new RegExp(`${RECORDS} pictures`));
    await page.page.check('input[name=sample][value=all]', { force: true });
    await page.page.click('#run');
    const verdict = await page.textOf('#test-verdict', 60_000);
    const expected = await reference.evaluate(testSet);
    assert.ok(
      verdict.startsWith(
        `${expected.top1Correct} right and ${expected.top5Correct} within the best five, of ${RECORDS}.`,
      ),
      verdict,
    );
    assert.equal(await page.page.textContent('#stat-top1'), `${(expected.top1 * 100).toFixed(2)} %`);
    assert.equal(await page.page.textContent('#stat-loss'), expected.loss.toFixed(3));
  });

  it('runs a test set from disk and stops when asked to', async () => {
    // A file of its own: so many bytes are slow to hand to the browser.
    const picked = path.join(folder, 'picked.bin');
    await writeFile(picked, Buffer.concat(Array.from({ length: 50 }, () => testSet)));
    await page.page.setInputFiles('#test-file', picked);
    assert.match(await page.textOf('#test-source'), /^picked\.bin, 10,000 pictures\.$/);
    await page.page.click('#run');
    await page.page.waitForFunction(() => /\d/.test(document.querySelector('#stat-top1')?.textContent ?? ''));
    await page.page.click('#stop');
    const verdict = await page.textOf('#test-verdict');
    const done = Number(/ of ([\d,]+)\./.exec(verdict)?.[1]?.replace(',', ''));
    assert.ok(done > 0 && done < 10_000, verdict);
    assert.match(await page.textOf('#test-progress-text'), /^Stopped after/);
  });

  it('refuses a test set of the wrong size or with wrong labels', async () => {
    await page.choose('#test-file', 'odd.bin', testSet.subarray(0, 5000));
    assert.match(
      await page.textOf('#test-error'),
      /^odd\.bin has 5000 bytes, not a multiple of 3074; choose/,
    );
    const wrong = Buffer.from(testSet);
    wrong[3074 + 1] = 200;
    await page.choose('#test-file', 'wrong.bin', wrong);
    await page.page.click('#run');
    assert.match(await page.textOf('#test-error'), /^wrong\.bin: record \d+ has class 200/);
  });

  it('asks nobody but its server and complains about nothing', () => {
    assert.deepEqual([...page.hosts], [new URL(demo.url).host]);
    assert.deepEqual(page.complaints, []);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`fits a phone (${colorScheme})`, async () => {
      const phone = await DemoPage.open(browser, demo.url, {
        viewport: { width: 360, height: 740 },
        colorScheme,
      });
      await phone.guessesAfter(() => phone.page.click('#drawn-examples button:first-child'));
      const width = await phone.page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= 360, `the page is ${width} pixels wide`);
      assert.deepEqual(phone.complaints, []);
      await phone.close();
    });
  }
});
