import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { Graph } from '../../core/onnx/graph.ts';
import { decodeModel } from '../../core/onnx/model-file.ts';
import { initializerRoles } from '../../core/onnx/roles.ts';
import { SKIP_WITHOUT_CHROMIUM, SOFTWARE_GPU } from './chromium.ts';
import type { DemoPage } from './demo-page.ts';
import { TestDemo } from './test-demo.ts';

const EXPORTED = new URL('../fixtures/foreign-nets/efficientnet_lite-dynamo18.onnx', import.meta.url);

describe('"Teach it" on WebGPU', { skip: SKIP_WITHOUT_CHROMIUM, timeout: 1_800_000 }, () => {
  let test: TestDemo;
  let page: DemoPage;

  before(async () => {
    test = await TestDemo.start(SOFTWARE_GPU);
    page = await test.open();
    await page.giveRedAndBlue();
  });

  after(() => test?.close());

  it('trains the whole of a dropped PyTorch export as WebAssembly does', async () => {
    const bytes = await readFile(EXPORTED);
    await page.openFile('given.onnx', bytes);
    const trained = [];
    for (const [backend, name] of [
      ['webgpu', /WebGPU\.$/],
      ['wasm', /WebAssembly/],
    ] as const) {
      await page.show('classify');
      await page.guessesAfter(async () => void (await page.page.selectOption('#backend-select', backend)));
      assert.match(await page.textOf('#backend'), name);
      assert.equal(await page.lesson('whole', 1), '');
      // That WebAssembly had to do it would stand here.
      assert.equal(await page.page.textContent('#teach-note'), '');
      trained.push(decodeModel((await page.taught()).bytes).graph);
    }
    const [webgpu, wasm] = trained as [Graph, Graph];
    const given = decodeModel(bytes).graph;
    let moved = 0;
    for (const parameter of initializerRoles(wasm).parameters) {
      const values = (graph: Graph) => [...(graph.initializers.get(parameter)?.data ?? [])].map(Number);
      const [ours, theirs] = [values(webgpu), values(wasm)];
      const apart = Math.hypot(...ours.map((value, i) => value - theirs[i]!)) / Math.hypot(...theirs);
      assert.ok(apart < 1e-3, `${parameter}: ${apart}`);
      if (values(given).join() !== theirs.join()) moved++;
    }
    assert.ok(moved > 3, `${moved} parameters were trained`);
    assert.deepEqual(page.complaints, []);
  });
});
