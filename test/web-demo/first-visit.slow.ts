import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startDemo } from '../../web-demo/start.ts';
import { launchChromium, SKIP_WITHOUT_CHROMIUM } from './chromium.ts';
import { DemoPage } from './demo-page.ts';
import { visitFirst } from './first-visit.ts';

/** What Chromium's developer tools call Fast 3G. */
const FAST_3G = { bits: 1.44e6, latency: 562 };

test('the first answer on fast 3G, and the second visit without a server', {
  skip: SKIP_WITHOUT_CHROMIUM,
  timeout: 600_000,
}, async () => {
  const demo = await startDemo({ port: 0, host: '127.0.0.1' });
  const browser = await launchChromium();
  try {
    const { page, seconds, bytes } = await visitFirst(browser, demo, FAST_3G);
    await page.context().close();
    process.stdout.write(`first answer ${seconds.toFixed(1)} s, ${(bytes / 1e6).toFixed(2)} MB\n`);
    assert.ok(bytes <= 4e6, `${bytes} bytes`);
    const { page: visitor } = await DemoPage.open(browser, demo.url);
    await visitor.waitForSelector('#offline-state[data-kept]');
    await demo.close();
    const times: number[] = [];
    for (let visit = 0; visit < 4; visit++) {
      await visitor.reload();
      await visitor.waitForFunction(() => performance.getEntriesByName('first-prediction').length > 0);
      times.push(
        await visitor.evaluate(() => performance.getEntriesByName('first-prediction')[0]!.duration / 1000),
      );
    }
    process.stdout.write(`offline ${times.map((time) => time.toFixed(2)).join(', ')} s\n`);
  } finally {
    await browser.close();
    await demo.close();
  }
});
