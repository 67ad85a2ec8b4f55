import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { writeRunFiles } from '../runs/write-run.ts';
import { noisePng } from '../serve/support/images.ts';
import { inaccessible } from './axe.ts';
import { SKIP_WITHOUT_CHROMIUM } from './chromium.ts';
import { epoch } from './fixtures.ts';
import { TestDemo } from './test-demo.ts';

const SIZES = {
  phone: { width: 360, height: 740 },
  desktop: { width: 1280, height: 900 },
  // What is left of a small screen at a zoom of 200 %.
  zoomed: { width: 640, height: 400 },
};

/** What test-model says of a run: its card has a matrix, and examples with pictures. */
const REPORT = {
  ...{ weights: 'best.safetensors', dataset: 'mine', images: 9, top1: 7 / 9 },
  classes: ['a', 'b'].map((name) => ({ name, images: 4, accuracy: 0.75 })),
  confusion: [
    [3, 1],
    [1, 4],
  ],
  examples: [
    { image: 'a/one.jpg', truth: 'a', guess: 'a', probability: 0.99 },
    {
      image: 'b/a long name of a picture.jpg',
      truth: 'b',
      guess: 'a',
      probability: 0.87,
      picture: 'examples/wrong-1.png',
    },
  ],
};

describe('every view is accessible and fits', { skip: SKIP_WITHOUT_CHROMIUM, timeout: 1_800_000 }, () => {
  let test: TestDemo;

  before(async () => {
    test = await TestDemo.start();
    const config = { model: 'resnet20', dataset: 'cifar100', epochs: 4, labels: ['a', 'b'] };
    await writeRunFiles(path.join(test.folder, 'runs/first'), [epoch(0), epoch(1)], config);
    const tested = path.join(test.folder, 'runs/first/best-test');
    await mkdir(path.join(tested, 'examples'), { recursive: true });
    await writeFile(path.join(tested, 'report.json'), JSON.stringify(REPORT));
    await writeFile(path.join(tested, 'examples/wrong-1.png'), await noisePng(1));
    await writeRunFiles(path.join(test.folder, 'runs/second'), [epoch(0)], { ...config, seed: 9 });
  });

  after(() => test?.close());

  it('on a phone, a desktop and zoomed, light and dark', async () => {
    const visitor = await test.open({ reducedMotion: 'reduce' });
    const { page } = visitor;
    const check = async (what: string): Promise<void> => {
      for (const [name, viewport] of Object.entries(SIZES)) {
        await page.setViewportSize(viewport);
        // Of darkness the zoom is no matter.
        for (const colorScheme of name === 'zoomed' ? (['light'] as const) : (['light', 'dark'] as const)) {
          await page.emulateMedia({ colorScheme });
          assert.deepEqual(await inaccessible(page), [], `${what}, ${name}, ${colorScheme}`);
        }
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= viewport.width, `${what} is ${width} pixels wide, ${name}`);
      }
    };

    await page.click('#explain');
    await page.waitForSelector('#heat:not([hidden])');
    await page.click('#compare');
    await page.waitForSelector('#comparison:not([hidden])');
    await visitor.choose('#picture-file', 'no picture.png', Buffer.from('text'), 'image/png');
    await visitor.textOf('#picture-error');
    await check('classify with heat map, comparison and an error');

    await page.click('#open-draw');
    await check('drawing');
    await page.click('#draw [data-close]');

    await visitor.show('test');
    await check('test set before a run');
    await page.click('#run');
    await visitor.textOf('#test-verdict');
    await check('test set with its confusion matrix and mistakes');

    await visitor.show('runs');
    await page.locator('#runs-body tr').nth(1).waitFor();
    for (const box of await page.locator('#runs-body input').all()) await box.check();
    await page.waitForSelector('#runs-differences:not([hidden])');
    await check('two runs compared');
    await page.locator('#runs-body tr', { hasText: 'second' }).locator('input').uncheck();
    await page.waitForSelector('#run-examples img');
    await check('a run, and what test-model found out about it');

    await visitor.show('teach');
    await check('teaching');
    assert.deepEqual(visitor.complaints, []);
    await visitor.close();
  });
});
