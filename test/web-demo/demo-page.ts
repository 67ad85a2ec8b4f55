import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { colored } from './fixtures.ts';

/** Milliseconds; a busy machine with two cores may need many times what an idle one does. */
export const PATIENCE = 400_000;

/** The demo's page in a browser, with everything it complained about. */
export class DemoPage {
  readonly page: Page;
  /** Console errors and warnings, exceptions, and requests that failed. */
  readonly complaints: string[] = [];
  /** Every host the page asked for something. */
  readonly hosts = new Set<string>();

  private constructor(page: Page) {
    this.page = page;
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('requestfailed', (request) => {
      // A stream has no end of its own: leaving the view that listens to it breaks it off.
      if (!request.url().endsWith('/runs/stream')) this.complaints.push(`failed: ${request.url()}`);
    });
    page.on('request', (request) => {
      const { protocol, host } = new URL(request.url());
      if (protocol.startsWith('http')) this.hosts.add(host);
    });
    page.on('response', (response) => {
      if (response.status() >= 400) this.complaints.push(`${response.status()}: ${response.url()}`);
    });
  }

  /** Opens it and waits for the first prediction, of a picture of its own. */
  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<DemoPage> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const demo = new DemoPage(page);
    await page.goto(url);
    await page.waitForSelector('#predictions li', { state: 'attached', timeout: PATIENCE });
    return demo;
  }

  /** Goes to one of its views. */
  async show(view: string): Promise<void> {
    await this.page.click(`#views a[href="#${view}"]`);
    await this.page.waitForSelector(`#${view}:not([hidden])`);
  }

  /** The pixels of a canvas, RGBA. */
  pixels(selector: string): Promise<number[]> {
    return this.page.$eval(selector, (element) => {
      const canvas = element as HTMLCanvasElement;
      // Read from a copy: the browser complains of a canvas that is read again and again.
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d')!;
      copy.drawImage(canvas, 0, 0);
      return [...copy.getImageData(0, 0, canvas.width, canvas.height).data];
    });
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  /** Picks a file in one of the page's file fields. */
  async choose(
    field: string,
    name: string,
    bytes: Buffer,
    mimeType = 'application/octet-stream',
  ): Promise<void> {
    await this.page.locator(field).setInputFiles({ name, mimeType, buffer: bytes });
  }

  /** Does `action`, then waits for the guesses that follow from it. */
  async guessesAfter(action: () => Promise<void>): Promise<{ label: string; probability: number }[]> {
    // The list is filled anew for each picture, so an item of before tells old from new.
    await this.page.evaluate(() => {
      document.querySelector('#predictions li')?.setAttribute('data-old', '');
    });
    await action();
    await this.page.waitForSelector('#predictions:not([hidden]) li:first-child:not([data-old])', {
      timeout: PATIENCE,
    });
    return this.page.$$eval('#predictions li', (items) =>
      items.map((item) => ({
        label: (item as HTMLElement).dataset.label ?? '',
        probability: Number((item as HTMLElement).dataset.probability),
      })),
    );
  }

  /** Gives the page a file as a drop or from the clipboard. */
  async give(how: 'drop' | 'paste', name: string, bytes: Buffer, type: string): Promise<void> {
    await this.page.evaluate(
      ({ how, name, base64, type }) => {
        const raw = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([raw], name, { type }));
        const event =
          how === 'drop'
            ? new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })
            : new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
        document.body.dispatchEvent(event);
      },
      { how, name, base64: bytes.toString('base64'), type },
    );
  }

  /** Gives it a model's file, and waits for what that says of the picture. */
  openFile(name: string, bytes: Uint8Array): Promise<{ label: string; probability: number }[]> {
    return this.guessesAfter(async () => {
      await this.show('classify');
      await this.give('drop', name, Buffer.from(bytes), '');
    });
  }

  /** Two classes to teach, ten pictures of each. */
  async giveRedAndBlue(): Promise<void> {
    await this.show('teach');
    const cards = this.page.locator('.class-card');
    for (const [i, name, color] of [
      [0, 'red', { r: 220, g: 20, b: 30 }],
      [1, 'blue', { r: 20, g: 40, b: 230 }],
    ] as const) {
      await cards.nth(i).getByLabel('Name of the class').fill(name);
      await cards
        .nth(i)
        .locator('input[type=file]')
        .setInputFiles(await colored(name, color, 10));
    }
  }

  /** Teaches the classes that there are; gives the error, if there is one. */
  async lesson(method: string, epochs: number): Promise<string> {
    await this.show('teach');
    await this.page.check(`input[name=method][value=${method}]`, { force: true });
    await this.page.fill('#teach-epochs', String(epochs));
    await this.page.click('#teach-start');
    await this.page.waitForSelector('#teach-download:not([hidden]), #teach-error:not(:empty)');
    return (await this.page.textContent('#teach-error')) ?? '';
  }

  /** Downloads what a lesson made. */
  async taught(): Promise<{ name: string; bytes: Uint8Array }> {
    const [download] = await Promise.all([
      this.page.waitForEvent('download'),
      this.page.click('#teach-download'),
    ]);
    return {
      name: download.suggestedFilename(),
      bytes: new Uint8Array(await readFile(await download.path())),
    };
  }

  /** The text of an element, waited for until there is some. */
  async textOf(selector: string, timeout = PATIENCE): Promise<string> {
    await this.page.waitForFunction((query) => document.querySelector(query)?.textContent, selector, {
      timeout,
    });
    return (await this.page.textContent(selector)) ?? '';
  }
}

/** Fails unless the page shows the very classes of the reference, with its probabilities. */
export function assertSameGuesses(
  actual: { label: string; probability: number }[],
  expected: { label: string; probability: number }[],
): void {
  assert.deepEqual(
    actual.map(({ label }) => label),
    expected.map(({ label }) => label),
  );
  actual.forEach(({ label, probability }, i) => {
    const difference = Math.abs(probability - expected[i]!.probability);
    assert.ok(
      difference < 1e-4,
      `${label}: ${probability} in the page, ${expected[i]!.probability} in onnxruntime-node`,
    );
  });
}
