import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { type RunningServer, startServer } from '../../serve/server.ts';
import { buildDemo, DEMO_DIST } from '../../web-demo/build.ts';
import { launchChromium, SKIP_WITHOUT_CHROMIUM } from './chromium.ts';
import { DemoPage } from './demo-page.ts';
import { modelFile } from './fixtures.ts';

describe('the page on the inference server', { skip: SKIP_WITHOUT_CHROMIUM, timeout: 1_800_000 }, () => {
  let folder: string;
  let server: RunningServer;
  let browser: Browser;
  let page: DemoPage;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'served-page-'));
    await buildDemo();
    const model = await modelFile(folder);
    server = await startServer({ model, port: 0, inference: { threads: 1 }, demoDirectory: DEMO_DIST });
    browser = await launchChromium();
    page = await DemoPage.open(browser, `${server.url}/`);
  });

  after(async () => {
    await browser?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('runs the served model, with threads', async () => {
    assert.equal(await page.page.evaluate(() => crossOriginIsolated), true);
    assert.match(await page.textOf('#backend'), /WebAssembly SIMD, \d+ thread/);
  });

  it('is under a strict policy, and its workers too', async () => {
    const worker = page.page.workers()[0]!.url();
    for (const address of [`${server.url}/`, worker]) {
      const policy = (await fetch(address)).headers.get('content-security-policy') ?? '';
      assert.match(policy, /default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self';/);
    }
  });

  it('compares its guesses with those of the server it came from', async () => {
    await page.page.click('#compare');
    await page.page.waitForSelector('#comparison:not([hidden]), #compare-error:not(:empty)');
    assert.equal(await page.page.textContent('#compare-error'), '');
    assert.ok(Number(await page.page.getAttribute('#comparison', 'data-difference')) < 1e-5);
  });

  it('shows no page for what this server does not have', async () => {
    assert.equal(await page.page.isVisible('#runs-link'), false);
  });

  it('complains about nothing', () => assert.deepEqual(page.complaints, []));
});
