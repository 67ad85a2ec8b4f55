import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { after, before, describe, it, mock } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { Classifier, convertWeights, startServer } from '../../index.ts';
import { bundleForPages } from '../../setup/build-package.ts';
import { CLASS_COLORS, picture, writeTree } from '../data/image-folder.ts';
import { CHROMIUM, launchChromium } from '../web-demo/chromium.ts';
import { enterTemporaryFolder } from './temporary-folder.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLES = join(PROJECT, 'examples');
const IMAGES = 16;

/** Each runs once, in the order of its number: later ones use what earlier ones wrote. */
const EXAMPLE: Record<string, () => Promise<unknown>> = {
  '01-train': () => import('../../examples/01-train.ts'),
  '02-export': () => import('../../examples/02-export.ts'),
  '03-classify': () => import('../../examples/03-classify.ts'),
  '04-classify-folder': () => import('../../examples/04-classify-folder.ts'),
  '05-express': () => import('../../examples/05-express.ts'),
  '06-evaluate': () => import('../../examples/06-evaluate.ts'),
  '07-checkpoint-to-page': () => import('../../examples/07-checkpoint-to-page.ts'),
  '08-react-page': () => import('../../examples/08-react-page.ts'),
};

/** What the last one exports. */
let exported: unknown;

/** Runs an example with arguments. @returns the lines that it said */
async function run(name: string, ...args: string[]): Promise<string[]> {
  const lines: string[] = [];
  const say = (...values: unknown[]): void => {
    lines.push(values.join(' '));
  };
  const { argv } = process;
  process.argv = [argv[0]!, join(EXAMPLES, `${name}.ts`), ...args];
  const mocks = [mock.method(console, 'log', say), mock.method(console, 'error', say)];
  try {
    exported = await EXAMPLE[name]!();
  } finally {
    process.argv = argv;
    for (const { mock: one } of mocks) one.restore();
  }
  return lines;
}

describe('the examples', () => {
  let leave: () => Promise<void>;
  let browser: Browser | undefined;
  /** The page of the last example in the browser, if there is one. */
  const inBrowser = async (url: string, check: (page: Page) => Promise<void>): Promise<void> => {
    if (CHROMIUM === undefined) return;
    browser ??= await launchChromium();
    const page = await browser.newPage();
    page.setDefaultTimeout(400_000);
    try {
      await page.goto(url);
      await check(page);
    } finally {
      await page.close();
    }
  };
  before(async () => {
    leave = await enterTemporaryFolder();
    for (const [label, [name, color]] of Object.entries(CLASS_COLORS).entries()) {
      for (let i = 0; i < IMAGES; i++) {
        const file = `photos/${name}/${String(i).padStart(2, '0')}.png`;
        await writeTree('.', { [file]: picture(100 * label + i, 40, 36, color).png() });
      }
    }
    await writeTree('.', {
      'mixed/a.txt': 'no picture',
      'mixed/b.png': picture(7, 50, 50, [30, 30, 220]).png(),
    });
  });
  after(async () => {
    await browser?.close();
    await leave();
  });

  it('01 trains on a folder of photos', async () => {
    const lines = await run('01-train', 'photos', '5');
    assert.equal(lines[0], '36 images of blue, green, red');
    assert.match(lines[5]!, /^epoch 5: loss \d\.\d{3}, top-1 100\.0 %$/);
    assert.equal(lines[6], 'runs/example: 12 of 12 test images right');
  });

  it('02 exports it in float32 and in int8', async () => {
    const lines = await run('02-export', 'photos');
    assert.match(
      lines[0]!,
      /^exports\/example-fp32\.onnx: 1\.\d\d MB, 3 classes, same best class on 6 of 6 random images$/,
    );
    assert.match(
      lines[1]!,
      /^exports\/example-int8\.onnx: 0\.\d\d MB, 3 classes, same best class on 12 of 12 test images of folder$/,
    );
  });

  it('03 classifies a picture', async () => {
    const lines = await run('03-classify', 'mixed/b.png', 'exports/example-int8.onnx');
    assert.equal(lines.length, 3);
    assert.match(lines[0]!, /^ *\d+\.\d % {2}blue$/);
  });

  it('04 classifies a folder into a table', async () => {
    const lines = await run('04-classify-folder', 'mixed', 'table.csv', 'exports/example-fp32.onnx');
    assert.match(lines[0]!, /^mixed.a\.txt is no PNG/);
    assert.equal(lines[1], '2 files, table.csv');
    const [head, row, ...more] = (await readFile('table.csv', 'utf8')).trimEnd().split('\n');
    assert.equal(head, 'file,label,probability');
    assert.match(row!, /^"mixed.b\.png","blue",(0\.\d+|1)$/);
    assert.deepEqual(more, []);
  });

  it("05 answers in an Express app of one's own", async () => {
    const [line] = await run('05-express', 'exports/example-fp32.onnx');
    assert.match(line!, /^200 \[\{"index":2,"label":"red","probability":(0\.\d+|1)\}\]$/);
  });

  it('06 evaluates in this process and through a server', async () => {
    const lines = await run('06-evaluate', 'photos');
    assert.deepEqual(lines, [
      'here: 12 of 12 right',
      ...['  blue: 4 of 4', '  green: 4 of 4', '  red: 4 of 4'],
      'resnet14t@1: 12 of 12 right',
    ]);
  });

  it('07 makes a page of a checkpoint', async () => {
    await bundleForPages(resolve('built'));
    // With torchvision's names, as a checkpoint of PyTorch's has them.
    await convertWeights(join(PROJECT, 'models/resnet14t.onnx'), 'net.safetensors');
    const labels = Array.from({ length: 100 }, (_, i) => `thing ${i}`);
    await writeFile('labels.txt', labels.join('\n'));
    const [line] = await run('07-checkpoint-to-page', 'net.safetensors', 'labels.txt', resolve('built'));
    const { server } = exported as { server: Server };
    try {
      assert.match(line!, /^exports.page\.onnx: 1\.\d\d MB$/);
      if (!server.listening) await once(server, 'listening');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const html = await (await fetch(url)).text();
      const imports = JSON.parse(/importmap">([^<]*)</.exec(html)![1]!).imports as Record<string, string>;
      for (const path of ['model.onnx', ...Object.values(imports)]) {
        assert.equal((await fetch(new URL(path, url))).status, 200, path);
      }
      await inBrowser(url, (page) => classifyInPage(page, url));
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it('08 makes a page with React', async () => {
    const model = 'exports/example-fp32.onnx';
    await run('08-react-page', model);
    const { server } = exported as { server: Server };
    try {
      if (!server.listening) await once(server, 'listening');
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const html = await (await fetch(url)).text();
      const [, script] = /<script type="module"[^>]* src="([^"]+)"/.exec(html)!;
      assert.match(await (await fetch(new URL(script!, url))).text(), /What is in the picture\?/);
      const served = new Uint8Array(await (await fetch(new URL('model.onnx', url))).arrayBuffer());
      assert.deepEqual(served, new Uint8Array(await readFile(model)));

      const classifier = await Classifier.open(model);
      const best = await classifier.classify('mixed/b.png');
      await classifier.close();
      const lines = best.map(({ label, probability }) => `${label} ${(100 * probability).toFixed(1)} %`);
      await inBrowser(url, async (page) => {
        const input = page.locator('input:not([disabled])');
        // The last choice counts, whatever is done first.
        await input.setInputFiles(['photos/red/00.png']);
        await input.setInputFiles('mixed/b.png');
        await page.locator('li', { hasText: lines[0]! }).waitFor();
        assert.deepEqual(await page.locator('li').allTextContents(), lines);
        await input.setInputFiles('mixed/a.txt');
        assert.match(
          (await page.getByRole('alert').textContent())!,
          /"a\.txt" is not a picture this browser can read/,
        );
        assert.equal(await page.locator('li').count(), 0);
      });
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it('are all run, and each is under 40 lines', async () => {
    const files = (await readdir(EXAMPLES)).filter((name) => name.endsWith('.ts')).sort();
    assert.deepEqual(
      files,
      Object.keys(EXAMPLE).map((name) => `${name}.ts`),
    );
    for (const file of files) {
      const lines = (await readFile(join(EXAMPLES, file), 'utf8')).trimEnd().split('\n');
      assert.ok(lines.length < 40, `${file} has ${lines.length} lines`);
    }
  });
});

/** The page, and the server's face of it, have the class that the picture's file was classified as above. */
async function classifyInPage(page: Page, url: string): Promise<void> {
  const server = await startServer({ models: ['exports/page.onnx'], port: 0, cors: [new URL(url).origin] });
  try {
    await page.locator('input:not([disabled])').setInputFiles('mixed/b.png');
    const shown = await page.locator('li').first().textContent();
    assert.match(shown!, /^thing \d+ \d+\.\d %$/);
    const asked = await page.evaluate(
      `(async () => {
        const { openServer } = await import('onnx-classifier/web');
        const classifier = await openServer('${server.url}');
        const [file] = document.querySelector('input').files;
        const [best] = await classifier.classify(file);
        const [same] = await classifier.classify(await createImageBitmap(file), { topK: 1 });
        const refused = await openServer('${server.url}', { model: 'none' }).catch(({ message }) => message);
        return [classifier.labels.length, best.label, (100 * best.probability).toFixed(1), same.label, refused];
      })()`,
    );
    const [labels, best, percent, same, refused] = asked as [number, string, string, string, string];
    assert.equal(labels, 100);
    assert.deepEqual([shown, same], [`${best} ${percent} %`, best]);
    assert.match(refused, /"?none"?/);
    const isText = page.locator('ol');
    await page.locator('input').setInputFiles('mixed/a.txt');
    await page.waitForFunction("document.querySelector('li') === null");
    assert.match((await isText.textContent())!, /"a\.txt" is not a picture this browser can read/);
  } finally {
    await server.close();
  }
}
