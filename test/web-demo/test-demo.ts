import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { type RunningDemo, startDemo } from '../../web-demo/start.ts';
import { launchChromium } from './chromium.ts';
import { DemoPage } from './demo-page.ts';
import { modelFile, testSetBytes } from './fixtures.ts';

/** Records of the test set that the demo serves. */
export const RECORDS = 200;

/** A demo with its server, its data in a temporary folder, and a browser to look at it. */
export class TestDemo {
  readonly folder: string;
  /** The model's file. */
  readonly model: string;
  readonly testSet: Buffer;
  readonly browser: Browser;
  demo: RunningDemo;

  private constructor(folder: string, model: string, testSet: Buffer, browser: Browser, demo: RunningDemo) {
    this.folder = folder;
    this.model = model;
    this.testSet = testSet;
    this.browser = browser;
    this.demo = demo;
  }

  /** @param chromiumArguments beside the usual ones */
  static async start(chromiumArguments: readonly string[] = []): Promise<TestDemo> {
    const folder = await mkdtemp(path.join(tmpdir(), 'demo-test-'));
    const model = await modelFile(folder);
    const testSet = await testSetBytes(RECORDS);
    await writeFile(path.join(folder, 'test.bin'), testSet);
    const demo = await startDemo({
      model,
      port: 0,
      host: '127.0.0.1',
      data: folder,
      runs: path.join(folder, 'runs'),
    });
    return new TestDemo(folder, model, testSet, await launchChromium(chromiumArguments), demo);
  }

  /** Opens the page and waits for its first prediction. */
  open(options: BrowserContextOptions = {}, view = ''): Promise<DemoPage> {
    return DemoPage.open(this.browser, `${this.demo.url}${view}`, options);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.demo.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
