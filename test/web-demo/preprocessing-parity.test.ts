import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { decodeImage } from '../../serve/image/decode.ts';
import { SKIP_WITHOUT_CHROMIUM } from './chromium.ts';
import type { DemoPage } from './demo-page.ts';
import { oddImages } from './odd-images.ts';
import { TestDemo } from './test-demo.ts';

describe('page and server see the same pixels', { skip: SKIP_WITHOUT_CHROMIUM, timeout: 1_800_000 }, () => {
  let test: TestDemo;
  let page: DemoPage;

  before(async () => {
    test = await TestDemo.start();
    page = await test.open();
  });

  after(() => test?.close());

  it('of odd pictures, bit for bit', async () => {
    for (const { name, type, bytes } of await oddImages()) {
      await page.guessesAfter(() => page.choose('#picture-file', name, bytes, type));
      const rgba = await page.pixels('#seen');
      const seen = rgba.filter((_, i) => i % 4 !== 3);
      const expected = await decodeImage(bytes, { width: 32, height: 32, maxPixels: 1e8 });
      assert.deepEqual(seen, [...expected], name);
    }
  });
});
