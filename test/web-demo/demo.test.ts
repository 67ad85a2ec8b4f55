import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import { SKIP_WITHOUT_CHROMIUM } from './chromium.ts';
import { assertSameGuesses, type DemoPage } from './demo-page.ts';
import { picture } from './fixtures.ts';
import { Reference } from './reference.ts';
import { RECORDS, TestDemo } from './test-demo.ts';

describe('the demo page', { skip: SKIP_WITHOUT_CHROMIUM, timeout: 1_800_000 }, () => {
  let test: TestDemo;
  let reference: Reference;
  let page: DemoPage;

  before(async () => {
    test = await TestDemo.start();
    reference = await Reference.open(test.model);
    page = await test.open();
  });

  after(() => test?.close());

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
    assert.ok((await page.pixels('#seen')).every((value) => value === 255));

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
    await page.show('test');
    assert.match(await page.textOf('#test-source'), new RegExp(`${RECORDS} pictures`));
    await page.page.check('input[name=sample][value=all]', { force: true });
    await page.page.click('#run');
    const verdict = await page.textOf('#test-verdict');
    const expected = await reference.evaluate(test.testSet);
    assert.ok(
      verdict.startsWith(
        `${expected.top1Correct} right and ${expected.top5Correct} within the best five, of ${RECORDS}.`,
      ),
      verdict,
    );
    assert.equal(await page.page.textContent('#stat-top1'), `${(expected.top1 * 100).toFixed(2)} %`);
    assert.equal(await page.page.textContent('#stat-loss'), expected.loss.toFixed(3));
  });

  it('shows the confusion matrix and the worst mistakes of that run', async () => {
    const expected = await reference.worstMistakes(test.testSet);
    const records = await page.page.$$eval('#mistakes button', (buttons) =>
      buttons.map((button) => Number((button as HTMLElement).dataset.record)),
    );
    const shown = Math.min(24, expected.length);
    assert.equal(new Set(records).size, shown);
    // Sums in another order round differently, so that equally sure mistakes may change places.
    const least = expected[shown - 1]!.probability - 1e-4;
    const sureness = new Map(expected.map(({ record, probability }) => [record, probability]));
    for (const record of records) assert.ok((sureness.get(record) ?? 0) >= least, `record ${record}`);
    const side = await page.page.$eval('#confusion canvas', (canvas) => (canvas as HTMLCanvasElement).width);
    assert.equal(side, reference.metadata.labels.length);
    // As many pairs as there are in the list, each with a count.
    const pairs = await page.page.$$eval('#confusion .pairs li', (items) =>
      items.map((item) => item.textContent ?? ''),
    );
    assert.ok(pairs.length > 0 && pairs.every((pair) => / → .*\d$/.test(pair)), pairs.join());
    const guesses = await page.guessesAfter(() => page.page.click('#mistakes button >> nth=0'));
    assert.match(await page.textOf('#truth'), /^True class: /);
    assert.equal(guesses.length, 5);
    await page.show('test');
  });

  it('runs a test set from disk, pauses, goes on and stops when asked to', async () => {
    // A file of its own: so many bytes are slow to hand to the browser.
    const picked = path.join(test.folder, 'picked.bin');
    await writeFile(picked, Buffer.concat(Array.from({ length: 50 }, () => test.testSet)));
    await page.page.setInputFiles('#test-file', picked);
    assert.match(await page.textOf('#test-source'), /^picked\.bin, 10,000 pictures\.$/);
    await page.page.click('#run');
    await page.page.waitForFunction(() => /\d/.test(document.querySelector('#stat-top1')?.textContent ?? ''));
    await page.page.click('#pause');
    await page.page.waitForFunction(() =>
      /paused$/.test(document.querySelector('#test-progress-text')?.textContent ?? ''),
    );
    const paused = await page.page.textContent('#test-progress-text');
    // Whatever comes in meanwhile is answered; the run itself stands still.
    await page.show('classify');
    await page.guessesAfter(() => page.page.click('#drawn-examples button >> nth=1'));
    await page.show('test');
    assert.equal(await page.page.textContent('#test-progress-text'), paused);
    await page.page.click('#pause');
    await page.page.waitForFunction(
      (before) => document.querySelector('#test-progress-text')?.textContent !== before,
      paused,
    );
    await page.page.click('#stop');
    const verdict = await page.textOf('#test-verdict');
    const done = Number(/ of ([\d,]+)\./.exec(verdict)?.[1]?.replace(',', ''));
    assert.ok(done > 0 && done < 10_000, verdict);
    assert.match(await page.textOf('#test-progress-text'), /^Stopped after/);
  });

  it('refuses a test set of the wrong size or with wrong labels', async () => {
    await page.choose('#test-file', 'odd.bin', test.testSet.subarray(0, 5000));
    assert.match(
      await page.textOf('#test-error'),
      /^odd\.bin has 5000 bytes, not a multiple of 3074; choose/,
    );
    const wrong = Buffer.from(test.testSet);
    wrong[3074 + 1] = 200;
    await page.choose('#test-file', 'wrong.bin', wrong);
    await page.page.click('#run');
    assert.match(await page.textOf('#test-error'), /^wrong\.bin: record \d+ has class 200/);
  });

  it("counts a folder of the reader's own pictures, and names those it got wrong and those it left out", async () => {
    const { labels } = reference.metadata;
    const folder = path.join(test.folder, 'mine');
    const expected = { right: 0, wrong: [] as string[] };
    for (const [i, [label, name]] of [
      // As people write them.
      [labels[3]!, labels[3]!.toUpperCase().replace('_', ' ')],
      [labels[70]!, labels[70]!],
    ].entries()) {
      for (const [j, part] of ['test', 'train'].entries()) {
        const given = await picture(40 + 17 * i, 60 + j);
        const file = `${part}/${name}/${j}.png`;
        await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
        await writeFile(path.join(folder, file), given.png);
        if (part === 'train') continue;
        const [best] = await reference.classify(given);
        if (best!.label === label) expected.right++;
        else expected.wrong.push(file);
      }
    }
    await mkdir(path.join(folder, 'test/unheard of'));
    await writeFile(path.join(folder, 'test/unheard of/a.png'), (await picture(9, 9)).png);
    await writeFile(path.join(folder, `test/${labels[70]}/broken.jpg`), 'no picture');
    await page.page.setInputFiles('#test-folder', folder);
    assert.equal(await page.textOf('#test-source'), 'mine/test, 4 pictures.');
    await page.page.check('input[name=sample][value=all]', { force: true });
    await page.page.click('#run');
    const verdict = await page.textOf('#test-verdict');
    assert.match(verdict, new RegExp(`^${expected.right} right and \\d within the best five, of 2\\. `));
    assert.match(verdict, /Left out, as the model does not know them: unheard of\./);
    assert.match(verdict, new RegExp(`Could not be read: test/${labels[70]}/broken\\.jpg\\.$`));
    const wrong = await page.page.$$eval('#mistakes button', (buttons) =>
      buttons.map((button) => (button as HTMLElement).title),
    );
    assert.deepEqual(wrong.sort(), expected.wrong.sort());
    // The same pictures are the examples to guess.
    await page.show('classify');
    assert.equal(await page.textOf('#test-examples-title'), 'From mine/test');
    assert.equal(await page.page.locator('#test-thumbs button').count(), 2);
    await page.guessesAfter(() => page.page.click('#test-thumbs button >> nth=0'));
    assert.match(
      await page.textOf('#truth'),
      new RegExp(`^True class: (${labels[3]}|${labels[70]})`.replaceAll('_', ' ')),
    );
    await page.show('test');
    const elsewhere = path.join(test.folder, 'elsewhere');
    await mkdir(path.join(elsewhere, 'nothing known'), { recursive: true });
    await writeFile(path.join(elsewhere, 'nothing known/a.png'), (await picture(9, 9)).png);
    await page.page.setInputFiles('#test-folder', elsewhere);
    await page.page.click('#run');
    assert.match(
      await page.textOf('#test-error'),
      /^elsewhere has the classes nothing known, and the model knows none/,
    );
    await page.page.setInputFiles('#test-folder', path.join(elsewhere, 'nothing known'));
    assert.match(
      await page.textOf('#test-error'),
      /^nothing known has no pictures in folders named by their classes/,
    );
  });

  it('asks nobody but its server and complains about nothing', () => {
    assert.deepEqual([...page.hosts], [new URL(test.demo.url).host]);
    assert.deepEqual(page.complaints, []);
  });
});
