import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeMetadata } from '../../core/model-metadata.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor, int, ints, sizeOf } from '../../core/onnx/graph.ts';
import { decodeModel, encodeModel } from '../../core/onnx/model-file.ts';
import { convertToFloat16 } from '../../core/onnx/passes/to-float16.ts';
import { initializerRoles } from '../../core/onnx/roles.ts';
import { RunLock } from '../../core/runs/run-lock.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';
import { DEMO_DIST } from '../../web-demo/build.ts';
import { startDemo } from '../../web-demo/start.ts';
import { writeRunFiles } from '../runs/write-run.ts';
import { noisePng } from '../serve/support/images.ts';
import { SKIP_WITHOUT_CHROMIUM } from './chromium.ts';
import { DemoPage } from './demo-page.ts';
import { visitFirst } from './first-visit.ts';
import { colored, epoch, picture } from './fixtures.ts';
import { Reference } from './reference.ts';
import { TestDemo } from './test-demo.ts';

const FOREIGN = fileURLToPath(new URL('../fixtures/foreign-nets/', import.meta.url));

const REPORT = {
  weights: 'runs/second/best.safetensors',
  dataset: 'mine',
  images: 9,
  top1: 7 / 9,
  classes: [
    { name: 'a', images: 4, accuracy: 0.75 },
    { name: 'b', images: 5, accuracy: 0.8 },
  ],
  confusion: [
    [3, 1],
    [1, 4],
  ],
  examples: [
    { image: 'a/one.jpg', truth: 'a', guess: 'a', probability: 0.99 },
    { image: 'b/two.jpg', truth: 'b', guess: 'a', probability: 0.87, picture: 'examples/wrong-1.png' },
    // Such a path comes from no command of ours, and none of its file is sent.
    { image: 'b/three.jpg', truth: 'b', guess: 'a', probability: 0.6, picture: '../report.json' },
  ],
};

describe("the page's other views", { skip: SKIP_WITHOUT_CHROMIUM, timeout: 1_800_000 }, () => {
  let test: TestDemo;
  let page: DemoPage;
  let lock: RunLock | undefined;

  before(async () => {
    test = await TestDemo.start(['--host-resolver-rules=MAP demo.lan 127.0.0.1']);
    const config = { model: 'resnet20', dataset: 'cifar100', epochs: 4, labels: ['a', 'b'] };
    await writeRunFiles(
      path.join(test.folder, 'runs/2026-11-29-22-15-30-first'),
      [epoch(0), epoch(1)],
      config,
    );
    await writeRunFiles(path.join(test.folder, 'runs/ablation/2026-11-29-22-15-30-second'), [epoch(0)], {
      ...config,
      seed: 9,
    });
    // Whoever trains a run holds its lock.
    lock = await RunLock.take(path.join(test.folder, 'runs/2026-11-29-22-15-30-first'));
    const tested = path.join(test.folder, 'runs/ablation/2026-11-29-22-15-30-second/best-test');
    await mkdir(tested);
    await writeFile(path.join(tested, 'report.json'), JSON.stringify(REPORT));
    await mkdir(path.join(tested, 'examples'));
    await writeFile(path.join(tested, 'examples', 'wrong-1.png'), await noisePng(1));
    page = await test.open();
  });

  after(async () => {
    await lock?.release();
    await test?.close();
  });

  /** Parameters that two models have both, and which of them are others. */
  function changes(before: Uint8Array, after: Uint8Array): { same: string[]; changed: string[] } {
    const [a, b] = [decodeModel(before).graph, decodeModel(after).graph];
    const both = initializerRoles(a).parameters.filter((name) => b.initializers.has(name));
    const isSame = (name: string) =>
      a.initializers.get(name)!.data.join() === b.initializers.get(name)!.data.join();
    return { same: both.filter(isSame), changed: both.filter((name) => !isSame(name)) };
  }

  it('follows a training run as its log grows, and compares it with another', async () => {
    await page.show('runs');
    const row = page.page.locator('#runs-body tr', { hasText: 'first' });
    await row.getByText('2/4').waitFor();
    await page.page.locator('#runs-body tr', { hasText: 'second' }).getByText('1/4').waitFor();
    assert.equal(await page.textOf('#runs-status'), 'Live: 2026-11-29-22-15-30-first');
    await appendFile(
      path.join(test.folder, 'runs/2026-11-29-22-15-30-first/log.jsonl'),
      `${JSON.stringify(epoch(2))}\n`,
    );
    await row.getByText('3/4').waitFor();
    for (const name of ['first', 'second']) {
      await page.page.locator('#runs-body tr', { hasText: name }).locator('input').check();
    }
    await page.page.locator('#charts svg', { hasText: 'second' }).first().waitFor();
    assert.match(await page.textOf('#differences'), /seed/);
    // What both names begin with is left out; the whole name is there to be read.
    const titles = await page.page.$$eval('#differences thead th', (cells) =>
      cells.map((cell) => [cell.textContent, (cell as HTMLElement).title]),
    );
    assert.deepEqual(titles.slice(1).sort(), [
      ['…first', '2026-11-29-22-15-30-first'],
      ['…second', '2026-11-29-22-15-30-second'],
    ]);
    // Among the best five of two classes any guess is right.
    assert.equal(await page.page.locator('th', { hasText: 'Top-5' }).isVisible(), false);
    assert.equal(await page.page.locator('#charts svg').count(), 3);
  });

  it('shows the classes of a run, and what test-model found out about it', async () => {
    const box = (name: string) => page.page.locator('#runs-body tr', { hasText: name }).locator('input');
    await box('second').uncheck();
    assert.equal(await page.textOf('#run-classes'), '2: a, b');
    await page.page.getByText(/npm run test-model -- --weights .*first\/best\.safetensors/).waitFor();
    await box('second').check();
    await box('first').uncheck();
    await page.page.getByText('best.safetensors on 9 test images of mine: 77.78 % right.').waitFor();
    const cells = await page.page.$$eval('#run-confusion tbody td', (all) =>
      all.map((cell) => cell.textContent),
    );
    assert.deepEqual(cells, ['3', '1', '75 %', '1', '4', '80 %']);
    const examples = await page.page.$$eval('#run-examples li', (all) => all.map((item) => item.textContent));
    assert.deepEqual(examples, ['a/one.jpg: a99 %', 'b/two.jpg: b → a87 %', 'b/three.jpg: b → a60 %']);
    const pictures = await page.page.$$eval('#run-examples img', async (all) => {
      await Promise.all(all.map((image) => (image as HTMLImageElement).decode()));
      return all.map((image) => image.closest('li')!.textContent);
    });
    assert.deepEqual(pictures, ['b/two.jpg: b → a87 %']);
    const { status } = await fetch(`${test.demo.url}runs/report?run=${encodeURIComponent(test.folder)}`);
    assert.equal(status, 404);
  });

  it('learns classes from a few pictures, from scratch, and exports a model that onnxruntime runs', async () => {
    await page.giveRedAndBlue();
    assert.equal(await page.lesson('scratch', 6), '');
    assert.equal(await page.page.locator('#teach-charts svg').count(), 2);

    const { name, bytes } = await page.taught();
    assert.equal(name, 'resnet8-taught.onnx');
    const metadata = decodeMetadata(decodeModel(bytes).metadata, 'taught');
    assert.deepEqual(metadata.labels, ['red', 'blue']);
    assert.equal(metadata.accuracy?.images, 4);
    const session = await openSession(bytes);
    const { logits } = await session.run({
      input: new Tensor('float32', new Float32Array(2 * 3 * 1024), [2, 3, 32, 32]),
    });
    assert.deepEqual(logits?.dims, [2, 2]);
    await session.release();
  });

  it('learns a new last layer on the features of the open model, and tries it at once', async () => {
    assert.equal(await page.lesson('head', 30), '');
    assert.match(await page.textOf('#teach-status'), /100\.0 % of 4 held-out pictures right$/);
    const cells = await page.page.$$eval('#teach-confusion tbody td', (all) =>
      all.map((cell) => cell.textContent),
    );
    assert.deepEqual(cells, ['2', '0', '100 %', '0', '2', '100 %']);
    assert.match(await page.textOf('#teach-command'), /^npm run serve -- --model \w+-taught\.onnx$/);
    await page.guessesAfter(() => page.page.click('#teach-try'));
    assert.match(await page.textOf('#model-facts'), /own pictures, 2 classes/);
    assert.match(await page.textOf('#model-facts'), /100\.00 % of 4 pictures/);
    assert.match(await page.textOf('#drawn-title'), /of none of this model’s classes$/);
    assert.equal(await page.page.isVisible('#truth'), false);
    const [red] = await colored('test', { r: 225, g: 25, b: 25 }, 1);
    const guesses = await page.guessesAfter(() =>
      page.choose('#picture-file', 'red.png', red!.buffer, 'image/png'),
    );
    assert.equal(guesses[0]?.label, 'red');
  });

  it('trains the whole of a dropped PyTorch export, and exports it', async () => {
    const name = 'efficientnet_lite-dynamo18';
    const given = new Uint8Array(await readFile(path.join(FOREIGN, `${name}.onnx`)));
    await page.openFile(`${name}.onnx`, given);
    assert.equal(await page.lesson('whole', 12), '');
    assert.match(await page.textOf('#teach-status'), /100\.0 % of 4 held-out pictures right$/);
    const taught = await page.taught();
    assert.equal(taught.name, `${name}-taught.onnx`);
    // The head is another; of all else the values are, and nothing but the values.
    const { same, changed } = changes(given, taught.bytes);
    assert.deepEqual(same, []);
    assert.equal(changed.length, initializerRoles(decodeModel(given).graph).parameters.length);
    const { graph, metadata } = decodeModel(taught.bytes);
    assert.deepEqual(decodeMetadata(metadata, name).labels, ['red', 'blue']);
    const file = path.join(test.folder, taught.name);
    await writeFile(file, taught.bytes);
    const [blue] = await colored('test', { r: 25, g: 45, b: 225 }, 1);
    await page.guessesAfter(() => page.page.click('#teach-try'));
    const guesses = await page.guessesAfter(() =>
      page.choose('#picture-file', 'blue.png', blue!.buffer, 'image/png'),
    );
    assert.equal(guesses[0]?.label, 'blue');
    const session = await openSession(file);
    const [input] = graph.inputs as [(typeof graph)['inputs'][0]];
    const dims = [3, ...input.dims.slice(1).map(Number)];
    const { logits } = await session.run({
      input: new Tensor('float32', new Float32Array(sizeOf(dims)), dims),
    });
    assert.deepEqual(logits?.dims, [3, 2]);
    await session.release();
  });

  it('trains the last part of a net of the zoo, and leaves the rest', async () => {
    const given = new Uint8Array(await readFile(test.model));
    await page.openFile('zoo.onnx', given);
    assert.equal(await page.lesson('part', 6), '');
    assert.match(await page.textOf('#teach-status'), /100\.0 % of 4 held-out pictures right$/);
    const { bytes } = await page.taught();
    const { same, changed } = changes(given, bytes);
    assert.ok(
      same.includes('conv1.weight') && changed.some((name) => name.startsWith('layer3.')),
      `${changed}`,
    );
    assert.ok(
      changed.every((name) => /^(layer3|fc)\./.test(name)),
      `${changed}`,
    );
  });

  it('says in a line what cannot be trained, and what to do', async () => {
    const b = new GraphBuilder('odd');
    const zeros = (name: string, dims: number[]) =>
      b.initializer(
        name,
        floatTensor(
          dims,
          Float32Array.from({ length: sizeOf(dims) }, (_, i) => Math.sin(i)),
        ),
      );
    const x = b.input('x', 'float32', ['batch', 3, 32, 32]);
    const conv = b.node('Conv', [x, zeros('conv', [8, 3, 3, 3])], { strides: ints([4, 4]) });
    const shrunk = b.node('Shrink', [conv], {}, { name: 'shrunk' });
    const pooled = b.node('Flatten', [b.node('GlobalAveragePool', [shrunk])], { axis: int(1) });
    b.node('Gemm', [pooled, zeros('fc', [8, 4])], {}, { name: 'y' });
    b.output('y', 'float32', ['batch', 4]);
    await page.openFile('odd.onnx', encodeModel(b.graph));
    assert.equal(
      await page.lesson('whole', 2),
      'the operator Shrink (node "Shrink:shrunk") cannot be trained: export the model without it, or train only weights that come after it, as “Last layer” does.',
    );
    assert.equal(await page.lesson('head', 2), '');
    const { graph, metadata } = decodeModel(new Uint8Array(await readFile(test.model)));
    await page.openFile('half.onnx', encodeModel(convertToFloat16(graph), metadata));
    assert.match(
      await page.lesson('whole', 2),
      /^half\.onnx is a model of fp16, and training goes on from float32;/,
    );
  });

  it('says what is missing before it can learn', async () => {
    await page.show('teach');
    await page.page.click('#add-class');
    assert.match(await page.textOf('#teach-hint'), /has no pictures yet/);
    assert.equal(await page.page.isDisabled('#teach-start'), true);
    await page.page.locator('.class-card').nth(2).getByText('Remove').click();
    assert.equal(await page.page.isDisabled('#teach-start'), false);
  });

  it('keeps the pictures for the next visit, and asks before it loses them', async () => {
    const asked: string[] = [];
    let accept = false;
    page.page.on('dialog', (dialog) => {
      asked.push(dialog.type() === 'confirm' ? dialog.message() : dialog.type());
      void (accept ? dialog.accept() : dialog.dismiss());
    });
    await page.page.locator('.class-card').first().getByText('Remove').click();
    await page.page.locator('.class-card').first().getByText('Empty').click();
    assert.deepEqual(asked.splice(0), Array(2).fill('Remove “red” with 10 pictures?'));
    assert.equal(await page.page.locator('.class-card').count(), 2);
    accept = true;
    await page.page.locator('.class-card').nth(1).getByText('Empty').click();
    await page.page
      .locator('.class-card')
      .nth(1)
      .locator('input[type=file]')
      .setInputFiles(await colored('sky', { r: 90, g: 160, b: 240 }, 3));
    const kept = () =>
      page.page.evaluate(
        () =>
          new Promise<number>((resolve) => {
            const opening = indexedDB.open('onnx-classifier-teach', 1);
            opening.onsuccess = () => {
              const request = opening.result.transaction('classes').objectStore('classes').get('all');
              request.onsuccess = () => resolve(request.result[1].images.length);
              opening.result.close();
            };
          }),
      );
    while ((await kept()) !== 3) await page.page.waitForTimeout(50);
    asked.length = 0;
    // The net of the lesson was not downloaded.
    await page.page.reload();
    assert.deepEqual(asked, ['beforeunload']);
    await page.page.waitForSelector('#predictions li', { state: 'attached' });
    const cards = page.page.locator('.class-card');
    await cards.nth(1).waitFor();
    assert.deepEqual(await cards.locator('.muted').allTextContents(), ['10 pictures', '3 pictures']);
    assert.equal(await cards.first().getByLabel('Name of the class').inputValue(), 'red');
  });

  it('folds the model away on a phone', async () => {
    await page.show('classify');
    await page.page.setViewportSize({ width: 390, height: 844 });
    assert.equal(await page.page.isVisible('#model-select'), false);
    const { y } = (await page.page.locator('#picture-title').boundingBox())!;
    assert.ok(y < 260, `the picture begins at ${y}`);
    await page.page.click('#model-fold');
    assert.equal(await page.page.isVisible('#model-select'), true);
    const { width } = (await page.page.locator('#model-select').boundingBox())!;
    assert.ok(width > 300, `the model's name has ${width} pixels`);
    assert.match((await page.page.textContent('#model-fold')) ?? '', /^Model: /);
    // What is asked for comes into view.
    const isInView = (selector: string) =>
      page.page.$eval(selector, (element) => {
        const { top, bottom } = element.getBoundingClientRect();
        return top >= -1 && bottom <= innerHeight + 1;
      });
    const given = await picture(64, 64);
    await page.guessesAfter(() => page.choose('#picture-file', 'mine.png', given.png, 'image/png'));
    await page.page.waitForTimeout(100);
    assert.equal(await isInView('#predictions li'), true);
    await page.page.click('#explain');
    await page.page.waitForSelector('#heat-text:not(:empty)');
    await page.page.waitForFunction(() =>
      /runs/.test(document.querySelector('#heat-text')?.textContent ?? ''),
    );
    await page.page.waitForTimeout(100);
    assert.equal(await isInView('#heat'), true);
    await page.page.click('#explain');
    await page.page.setViewportSize({ width: 1280, height: 900 });
    assert.equal(await page.page.isVisible('#model-fold'), false);
  });

  it('comes in little and shows how much has come', async () => {
    const { page: first, bytes, shares, calls } = await visitFirst(test.browser, test.demo);
    await first.context().close();
    // With the best compression 4 MB, which first-visit.slow.ts holds.
    assert.ok(bytes < 4.5e6, `${bytes} bytes`);
    // Nothing begins before it is there; the trainer and what reads models are the workers' matter.
    const script = (await readdir(path.join(DEMO_DIST, 'assets'))).find((name) =>
      /^index-.*\.js\.br$/.test(name),
    )!;
    const { size } = await stat(path.join(DEMO_DIST, 'assets', script));
    assert.ok(size < 27_000, `the page's own script has ${size} bytes`);
    // The model is a tenth of it: the bar stood still at its end while the rest came.
    assert.ok(shares.length > 10 && shares.some((share) => share > 0.3 && share < 0.8), shares.join());
    const sorted = [...shares].sort((a, b) => a - b);
    assert.deepEqual(shares, sorted);
    assert.equal(shares.at(-1), 1);
    // The first answer is the model's first run, while it is opened.
    assert.deepEqual(calls, ['prepare', 'open']);
  });

  it('works without its server after the first visit', async (t) => {
    const demo = await startDemo({
      ...{ port: 0, host: '127.0.0.1', data: test.folder },
      allowHosts: ['demo.lan'],
    });
    t.after(() => demo.close());
    // By another name than this machine's, plain http is no secure context: it is said that this is why.
    const { port } = new URL(demo.url);
    const insecure = await DemoPage.open(test.browser, `http://demo.lan:${port}/`);
    assert.match(
      await insecure.textOf('#backend'),
      /, 1 thread \(plain http to another machine is no secure context/,
    );
    // The first model is of int8, from which no training goes on.
    await insecure.show('teach');
    assert.match(
      await insecure.textOf('#teach-method'),
      /efficientnet-lite0-cifar100 is of int8: resnet14t learns in its place\.$/,
    );
    for (const [i, color] of [
      { r: 220, g: 20, b: 30 },
      { r: 20, g: 40, b: 230 },
    ].entries()) {
      const input = insecure.page.locator('.class-card').nth(i).locator('input[type=file]');
      await input.setInputFiles(await colored(`c${i}`, color, 3));
    }
    await insecure.page.fill('#teach-epochs', '2');
    await insecure.page.click('#teach-start');
    await insecure.page.waitForSelector('#teach-download[download="resnet14t-taught.onnx"]:not([hidden])');
    await insecure.close();
    const visitor = await DemoPage.open(test.browser, `${demo.url}?model=resnet14t`);
    await visitor.page.waitForSelector('#offline-state[data-kept]');
    await demo.close();
    await visitor.page.reload();
    await visitor.page.waitForSelector('#predictions li', { state: 'attached' });
    const given = await picture(77, 50);
    const guesses = await visitor.guessesAfter(() =>
      visitor.choose('#picture-file', 'mine.png', given.png, 'image/png'),
    );
    const expected = await (await Reference.open(test.model)).classify(given);
    assert.deepEqual(
      guesses.map(({ label }) => label),
      expected.map(({ label }) => label),
    );
    await visitor.close();
  });

  it('complains about nothing', () => {
    assert.deepEqual([...page.hosts], [new URL(test.demo.url).host]);
    assert.deepEqual(page.complaints, []);
  });
});
