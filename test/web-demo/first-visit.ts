import type { Browser, Page } from 'playwright-core';
import type { RunningDemo } from '../../web-demo/start.ts';
import { PATIENCE } from './demo-page.ts';

/** What somebody meets who has never been on the page. */
export interface FirstVisit {
  page: Page;
  /** From the start of the navigation to the first answer. */
  seconds: number;
  /** All that the server sent until then, headers and all. */
  bytes: number;
  /** What the bar showed meanwhile, as shares. */
  shares: number[];
  /** What the page asked of its worker. */
  calls: string[];
}

/** @param line bits a second and milliseconds there and back, as Chromium's developer tools imitate them */
export async function visitFirst(
  browser: Browser,
  demo: RunningDemo,
  line?: { bits: number; latency: number },
): Promise<FirstVisit> {
  const sockets: { bytesWritten: number }[] = [];
  demo.server.on('connection', (socket) => sockets.push(socket));
  // What it keeps for later is none of the first answer's.
  const context = await browser.newContext({ serviceWorkers: 'block' });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  if (line) {
    const session = await context.newCDPSession(page);
    await session.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: line.latency,
      downloadThroughput: line.bits / 8,
      uploadThroughput: line.bits / 16,
    });
  }
  await page.addInitScript(() => {
    const shares: number[] = [];
    const calls: string[] = [];
    Object.assign(globalThis, { shares, calls });
    const { postMessage } = Worker.prototype;
    Worker.prototype.postMessage = function (message: { call?: string }, ...more: unknown[]) {
      if (message.call !== undefined) calls.push(message.call);
      postMessage.call(this, message, ...(more as []));
    };
    addEventListener('DOMContentLoaded', () => {
      const bar = document.querySelector('#model-progress') as HTMLProgressElement;
      new MutationObserver(() => bar.hasAttribute('value') && shares.push(bar.value)).observe(bar, {
        attributes: true,
      });
    });
  });
  const start = performance.now();
  await page.goto(demo.url);
  await page.waitForSelector('#predictions li', { state: 'attached' });
  const seconds = (performance.now() - start) / 1000;
  const bytes = sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
  const { shares, calls } = await page.evaluate(() => {
    const { shares, calls } = globalThis as unknown as Pick<FirstVisit, 'shares' | 'calls'>;
    return { shares, calls };
  });
  return { page, seconds, bytes, shares, calls };
}
