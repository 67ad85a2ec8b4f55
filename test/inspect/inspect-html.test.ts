import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { buildModel } from '../../core/models/zoo.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { layOutGraph } from '../../export/inspect/graph-layout.ts';
import { inspectPage } from '../../export/inspect/inspect-html.ts';
import { type InspectReport, inspectModel } from '../../export/inspect/inspect-model.ts';
import { inaccessible } from '../web-demo/axe.ts';
import { launchChromium, SKIP_WITHOUT_CHROMIUM } from '../web-demo/chromium.ts';

const BOX = { width: 100, height: 40 };
const boxes = (count: number) => Array.from({ length: count }, () => BOX);

describe('the layout of a graph', () => {
  it('puts a chain in one column, and what goes beside it around its boxes', () => {
    const edges = [
      [0, 1],
      [1, 2],
      [2, 3],
      [0, 3],
    ] as const;
    const { boxes: places, edges: paths } = layOutGraph(boxes(4), edges);
    assert.deepEqual(
      [...places].map(([, y]) => y),
      [0, 80, 160, 240],
    );
    assert.ok(Math.abs(places[1]![0] - places[2]![0]) < 1e-9);
    const around = paths[3]!;
    assert.deepEqual([around[0], around.at(-1)], [[places[0]![0], 40], [...places[3]!]]);
    for (const [x, y] of around.slice(1, -1)) {
      assert.ok(y >= 80 && y <= 200);
      assert.ok(Math.abs(x - places[1]![0]) > BOX.width / 2, 'past the boxes, not over them');
    }
  });

  it('has no box over another, each below what it reads, constants near their reader, of any graph', () => {
    let seed = 7;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    for (const count of [0, 1, 2, 60]) {
      const edges: [number, number][] = [];
      for (let to = 1; to < count; to++)
        for (let from = Math.max(0, to - 9); from < to; from++) if (random() < 0.25) edges.push([from, to]);
      const layout = layOutGraph(boxes(count), edges);
      assert.equal(layout.boxes.length, count);
      for (const [from, to] of edges) assert.ok(layout.boxes[from]![1] < layout.boxes[to]![1]);
      layout.boxes.forEach(([x, y], i) => {
        assert.ok(x >= BOX.width / 2 - 1e-6 && x + BOX.width / 2 <= layout.width + 1e-6);
        assert.ok(y + BOX.height <= layout.height);
        for (const [otherX, otherY] of layout.boxes.slice(0, i))
          assert.ok(y !== otherY || Math.abs(x - otherX) >= BOX.width, `${i}`);
      });
    }
    const constant = layOutGraph(boxes(4), [
      [0, 2],
      [2, 3],
      [1, 3],
    ]);
    assert.equal(constant.boxes[1]![1], constant.boxes[2]![1]);
  });

  it('takes a graph of very many long edges', () => {
    const count = 2000;
    const edges = Array.from({ length: count - 1 }, (_, i) => [
      [i, i + 1],
      [0, i + 1],
    ]).flat() as [number, number][];
    const layout = layOutGraph(boxes(count), edges);
    assert.equal(layout.edges.length, edges.length);
    assert.ok(layout.boxes.every(([x, y]) => Number.isFinite(x) && Number.isFinite(y)));
  });
});

describe('inspect --html', { skip: SKIP_WITHOUT_CHROMIUM }, () => {
  let browser: Browser;
  let page: Page;
  let folder: string;
  let report: InspectReport;
  const problems: string[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'inspect-html-'));
    browser = await launchChromium();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.on('pageerror', ({ message }) => problems.push(message));
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith('file:')) problems.push(request.url());
    });
    const graph = buildModel('resnet20', { numClasses: 10 });
    graph.nodes[1]!.name = '<img src=x onerror=alert(1)>\u202e';
    report = await inspectModel(
      encodeModel(graph, { model: 'resnet20' }),
      { batch: 2, size: 32, runs: 1 },
      'm.onnx',
    );
    const path = join(folder, 'page.html');
    await writeFile(path, inspectPage(report));
    await page.goto(pathToFileURL(path).href);
  });
  after(async () => {
    await browser?.close();
    await rm(folder, { recursive: true });
  });

  const transform = () => page.getAttribute('#scene', 'transform');

  it('shows every layer with its time, cost and size, joined as the graph joins them', async () => {
    assert.equal(await page.locator('#graph .box').count(), report.layers.length);
    // Each residual block ends in a sum of two values.
    const sums = report.layers.filter(({ op }) => op === 'Add').length;
    assert.equal(sums, 9);
    assert.equal(await page.locator('.edges path').count(), report.layers.length + sums + 1);
    const first = page.locator('#graph .box').first();
    const time = report.layers[0]!.milliseconds!.toFixed(3);
    assert.equal(
      await first.locator('title').textContent(),
      `Conv ${report.layers[0]!.name}\noutput [2, 16, 32, 32]\n432 parameters, 1.7 kB\n442 k multiply-accumulates an image\n${time} ms for 2 images`,
    );
    assert.equal(await page.locator('tbody tr[id^=layer-]').count(), report.layers.length);
    assert.equal(await page.locator('img').count(), 0, 'names are text');
  });

  it('colours by what is chosen', async () => {
    const heats = () =>
      page.$$eval('#graph .box', (all) =>
        all.map((box) => Number((box as SVGGElement).style.getPropertyValue('--heat'))),
      );
    const times = report.layers.map(({ milliseconds }) => milliseconds!);
    const hottest = (await heats()).indexOf(1);
    assert.equal(times[hottest], Math.max(...times));
    await page.selectOption('#measure', 'parameters');
    const parameters = report.layers.map((layer) => layer.parameters);
    const most = Math.max(...parameters);
    assert.deepEqual(
      await heats(),
      parameters.map((value) => Number(Math.sqrt(value / most).toFixed(3))),
    );
  });

  it('is moved and zoomed by mouse, wheel, keys and buttons, and says what is clicked or found', async () => {
    const place = (await page.locator('#graph').boundingBox())!;
    const [x, y] = [place.x + place.width / 2, place.y + 100];
    const matrix = async () =>
      [...(await transform())!.matchAll(/-?[\d.]+/g)].map(Number) as [number, number, number];
    const before = await matrix();
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + 40, y + 30, { steps: 3 });
    await page.mouse.up();
    const dragged = await matrix();
    assert.deepEqual(
      dragged.map((value, i) => Math.round(value - before[i]!)),
      [40, 30, 0],
    );
    await page.mouse.wheel(0, -200);
    await page.waitForFunction(
      (old) => document.getElementById('scene')!.getAttribute('transform') !== old,
      await transform().then(() => `translate(${dragged[0]} ${dragged[1]}) scale(${dragged[2]})`),
    );
    const zoomed = await matrix();
    assert.ok(zoomed[2] > dragged[2]);
    // What is under the pointer stays there.
    const under = ([left, , scale]: [number, number, number]) => (x + 40 - place.x - left) / scale;
    assert.ok(Math.abs(under(zoomed) - under(dragged)) < 1e-6);
    await page.focus('#graph');
    await page.keyboard.press('ArrowDown');
    assert.equal(Math.round((await matrix())[1] - zoomed[1]), -80);
    await page.click('#whole');
    const whole = await matrix();
    const [width, height] = await page.$eval('#scene', (scene) => {
      const box = (scene as SVGGElement).getBBox();
      return [box.width, box.height];
    });
    assert.ok(width! * whole[2] <= place.width && height! * whole[2] <= place.height);
    await page.fill('#find', 'gemm');
    assert.equal(await page.textContent('#found'), '1 of 1');
    assert.match((await page.textContent('#chosen'))!, /^Gemm .*\noutput \[2, 10\]\n650 parameters/);
    await page.fill('#find', 'nothing like it');
    assert.equal(await page.textContent('#found'), 'none');
    await page.click('#in');
    await page.locator('#graph .box', { hasText: 'Gemm' }).click();
    assert.match((await page.textContent('#chosen'))!, /^Gemm /);
  });

  it('is accessible, light and dark, fits a phone, and loads nothing', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await inaccessible(page), [], colorScheme);
    }
    await page.setViewportSize({ width: 390, height: 844 });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
    assert.deepEqual(problems, []);
  });
});

it('the page of a model that was not run has no times, and what a subgraph reads is joined to it', async () => {
  const graph = buildModel('resnet20', { numClasses: 10 });
  const [first] = graph.nodes;
  const tail = graph.nodes.at(-1)!;
  const branch = () => ({
    ...graph,
    name: 'branch',
    inputs: [],
    initializers: new Map(),
    nodes: [
      {
        op: 'Identity',
        domain: '',
        name: '',
        inputs: [first!.outputs[0]!],
        outputs: ['own'],
        attributes: {},
      },
    ],
    outputs: [{ name: 'own', dtype: 'float32' as const, dims: [] }],
  });
  graph.initializers.set('condition', { dtype: 'bool', dims: [], data: Uint8Array.of(1) });
  graph.nodes.push({
    ...tail,
    op: 'If',
    name: 'if',
    inputs: ['condition'],
    outputs: ['chosen'],
    attributes: {
      then_branch: { type: 'graph', value: branch() },
      else_branch: { type: 'graph', value: branch() },
    },
  });
  const report = await inspectModel(encodeModel(graph, {}), { batch: 1, size: 32, runs: 0 }, 'm.onnx');
  assert.deepEqual(report.layers.at(-1)!.inputs, first!.outputs);
  assert.deepEqual(first!.inputs.slice(0, 1), report.layers[0]!.inputs, 'weights are none');
  const page = inspectPage(report);
  assert.doesNotMatch(page, / ms\b|value="milliseconds"/);
  assert.match(page, /<option value="macs">/);
});
