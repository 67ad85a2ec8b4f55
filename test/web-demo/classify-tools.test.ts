import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import sharp from 'sharp';
import { decodeImageFile } from '../../core/image/decode.ts';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildResNet } from '../../core/models/resnet.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { int, ints } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { dataTypeCode } from '../../core/onnx/tensor-proto.ts';
import { prepareImage } from '../../core/preprocess/prepare-image.ts';
import { tinyNet } from '../foreign/tiny-net.ts';
import { SKIP_WITHOUT_CHROMIUM, SOFTWARE_GPU } from './chromium.ts';
import { assertSameGuesses, type DemoPage } from './demo-page.ts';
import { picture } from './fixtures.ts';
import { TestDemo } from './test-demo.ts';

describe('what the page does with a picture', { skip: SKIP_WITHOUT_CHROMIUM, timeout: 1_800_000 }, () => {
  let test: TestDemo;
  let page: DemoPage;

  before(async () => {
    test = await TestDemo.start(SOFTWARE_GPU);
    page = await test.open({ permissions: ['camera'] });
  });

  after(() => test?.close());

  it('prefers WebAssembly to a GPU that the processor imitates', async () => {
    assert.match(await page.textOf('#backend'), /WebAssembly SIMD/);
  });

  it('draws a heat map of the best guess, and of another one', async () => {
    await page.page.click('#explain');
    await page.page.waitForSelector('#heat:not([hidden])');
    const best = await page.pixels('#heat');
    assert.ok(new Set(best).size > 10, 'the map is all of one colour');
    const label = await page.page.getAttribute('#heat', 'aria-label');
    assert.equal(await page.page.getAttribute('#predictions button >> nth=0', 'aria-pressed'), 'true');
    await page.page.click('#predictions button >> nth=1');
    await page.page.waitForFunction(
      (before) => document.querySelector('#heat')?.getAttribute('aria-label') !== before,
      label,
    );
    assert.notDeepEqual(await page.pixels('#heat'), best);
    await page.page.click('#explain');
    assert.equal(await page.page.isHidden('#heat'), true);
  });

  it('crops by keyboard, and the network sees that part', async () => {
    const given = await picture(200, 120);
    await page.guessesAfter(() => page.choose('#picture-file', 'wide.png', given.png, 'image/png'));
    const whole = await page.page.getAttribute('#crop', 'aria-valuetext');
    assert.equal(whole, '120 by 120 pixels at 40, 0');
    await page.page.focus('#crop');
    await page.guessesAfter(() => page.page.keyboard.press('-'));
    for (let i = 0; i < 3; i++) await page.guessesAfter(() => page.page.keyboard.press('ArrowLeft'));
    const value = await page.page.getAttribute('#crop', 'aria-valuetext');
    const [side, , left, top] = (value?.match(/\d+/g) ?? []).map(Number) as [number, number, number, number];
    assert.ok(side < 120 && left < 40 + 3, value ?? '');
    const region = { left, top, width: side, height: side };
    const expected = prepareImage(await decodeImageFile(given.png), { width: 32, height: 32 }, region);
    assert.deepEqual(
      (await page.pixels('#seen')).filter((_, i) => i % 4 !== 3),
      [...expected.data],
    );
  });

  it('crops by pointer', async () => {
    const before = await page.page.getAttribute('#crop', 'aria-valuetext');
    const box = (await page.page.locator('#crop').boundingBox())!;
    await page.guessesAfter(async () => {
      await page.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
      await page.page.mouse.down();
      await page.page.mouse.move(box.x + box.width / 2 + 20, box.y + box.height / 2, { steps: 3 });
      await page.page.mouse.up();
    });
    assert.notEqual(await page.page.getAttribute('#crop', 'aria-valuetext'), before);
  });

  it('asks the server about the same picture, whole and cropped: no more than rounding apart', async () => {
    const difference = async (): Promise<number> => {
      await page.page.click('#compare');
      await page.page.waitForSelector('#comparison:not([hidden]), #compare-error:not(:empty)');
      assert.equal(await page.page.textContent('#compare-error'), '');
      return Number(await page.page.getAttribute('#comparison', 'data-difference'));
    };
    assert.ok((await difference()) < 1e-5);
    const given = await picture(333, 170);
    await page.guessesAfter(() => page.choose('#picture-file', 'photo.png', given.png, 'image/png'));
    assert.ok((await difference()) < 1e-5);
  });

  it('takes a picture from the camera', async () => {
    await page.page.click('#open-camera');
    // The camera is watched all the time until a picture is taken.
    assert.match(await page.textOf('#camera-guess'), /, \d+ %$/);
    const guesses = await page.guessesAfter(() => page.page.click('#camera-take'));
    assert.equal(guesses.length, 5);
    assert.equal(await page.page.isHidden('#camera'), true);
    const off = await page.page.$eval('#camera-video', (video) => (video as HTMLVideoElement).srcObject);
    assert.equal(off, null);
  });

  it('classifies what is drawn, by pointer and by keyboard', async () => {
    await page.page.click('#open-draw');
    const box = (await page.page.locator('#draw-canvas').boundingBox())!;
    await page.guessesAfter(async () => {
      await page.page.mouse.move(box.x + 40, box.y + 40);
      await page.page.mouse.down();
      await page.page.mouse.move(box.x + 120, box.y + 130, { steps: 4 });
      await page.page.mouse.up();
    });
    const stroke = await page.pixels('#draw-canvas');
    assert.ok(stroke.some((value, i) => i % 4 === 0 && value < 60));
    await page.guessesAfter(async () => {
      await page.page.focus('#draw-canvas');
      await page.page.keyboard.press(' ');
      for (let i = 0; i < 5; i++) await page.page.keyboard.press('ArrowRight');
      await page.page.keyboard.press(' ');
    });
    await page.guessesAfter(() => page.page.click('#draw-undo'));
    assert.deepEqual(await page.pixels('#draw-canvas'), stroke);
    await page.page.click('#draw [data-close]');
  });

  it('opens a dropped model from elsewhere and says what it assumes', async () => {
    const graph = buildResNet(
      { name: 'elsewhere', block: 'basic', depths: [1], widths: [8], stemWidth: 8 },
      { numClasses: 7 },
    );
    initializeParameters(graph, 3);
    graph.nodes[0]!.inputs[0] = 'pixels';
    graph.inputs[0]!.name = 'pixels';
    const file = Buffer.from(encodeModel(graph));
    const guesses = await page.guessesAfter(() => page.give('drop', 'elsewhere.onnx', file, ''));
    assert.ok(guesses.every(({ label }) => /^class \d$/.test(label)));
    assert.match(await page.textOf('#model-note'), /says nothing of its classes/);
    // The heat map needs nothing of the model but its output.
    await page.page.click('#explain');
    await page.page.waitForSelector('#heat:not([hidden])');
    await page.page.click('#explain');
    assert.equal(await page.page.isHidden('#compare'), true);
  });

  it("opens a folder as Hugging Face's with what lies beside the model, and says what is missing in one", async () => {
    const folder = path.join(test.folder, 'colours');
    await mkdir(path.join(folder, 'onnx'), { recursive: true });
    await writeFile(path.join(folder, 'onnx/model.onnx'), tinyNet());
    await page.page.setInputFiles('#model-folder', folder);
    assert.match(
      await page.textOf('#model-error'),
      /^colours\/onnx\/model\.onnx does not say how to prepare images for it; put that into model\.json/,
    );
    await writeFile(
      path.join(folder, 'config.json'),
      '{"id2label": {"0": "red", "1": "green", "2": "blue"}}',
    );
    await writeFile(path.join(folder, 'preprocessor_config.json'), '{"image_mean": 0.5, "image_std": 0.5}');
    await page.guessesAfter(() => page.page.setInputFiles('#model-folder', folder));
    assert.equal(await page.page.textContent('#model-error'), '');
    assert.equal(await page.page.isVisible('#model-note'), false);
    const red = await sharp({ create: { width: 9, height: 9, channels: 3, background: '#ff0000' } })
      .png()
      .toBuffer();
    const [best] = await page.guessesAfter(() => page.choose('#picture-file', 'red.png', red, 'image/png'));
    assert.equal(best?.label, 'red');
    assert.ok(Math.abs(best.probability - 0.9647) < 1e-4, JSON.stringify(best));
  });

  it('adapts a dropped model as the server does: rows of bytes in, sigmoids out', async () => {
    const b = new GraphBuilder('several');
    const bytes = b.input('rows', 'uint8', ['N', 16, 16, 3]);
    const values = b.node('Cast', [bytes], { to: int(dataTypeCode('float32')) });
    const means = b.node('ReduceMean', [values], { axes: ints([1, 2]), keepdims: int(0) });
    // From 0 to 255; a picture of one colour shows what is made of it.
    const scaled = b.node('Mul', [means, b.float32(1 / 64)]);
    b.output(b.node('Identity', [b.node('Sigmoid', [scaled])], {}, { name: 'scores' }), 'float32', ['N', 3]);
    b.output(b.node('ArgMax', [scaled], { axis: int(1), keepdims: int(0) }), 'int64', ['N']);
    await page.guessesAfter(() => page.give('drop', 'several.onnx', Buffer.from(encodeModel(b.graph)), ''));
    assert.match(await page.textOf('#model-facts'), /Scores\s*each class by itself/);
    const red = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#ff0040' } })
      .png()
      .toBuffer();
    const guesses = await page.guessesAfter(() => page.give('drop', 'red.png', red, 'image/png'));
    const sigmoid = (value: number) => 1 / (1 + Math.exp(-value / 64));
    for (const [i, [label, value]] of (
      [
        ['class 0', 255],
        ['class 2', 64],
        ['class 1', 0],
      ] as const
    ).entries()) {
      assert.equal(guesses[i]!.label, label);
      assert.ok(Math.abs(guesses[i]!.probability - sigmoid(value)) < 1e-5, JSON.stringify(guesses));
    }
  });

  it('runs on WebGPU when told to, with the same guesses', async () => {
    const guess = () => page.guessesAfter(() => page.page.click('#drawn-examples button >> nth=2'));
    const onWasm = await guess();
    await page.guessesAfter(async () => {
      await page.page.selectOption('#backend-select', 'webgpu');
    });
    assert.match(await page.textOf('#backend'), /WebGPU\.$/);
    assertSameGuesses(await guess(), onWasm);
    await page.guessesAfter(async () => {
      await page.page.selectOption('#backend-select', 'auto');
    });
    assert.match(await page.textOf('#backend'), /WebAssembly SIMD/);
  });

  it('says why a file is no classifier of pictures', async () => {
    const graph = buildResNet(
      { name: 'flat', block: 'basic', depths: [1], widths: [8], stemWidth: 8 },
      { numClasses: 7 },
    );
    graph.inputs[0]!.dims = ['batch', 32, 32];
    await page.choose('#model-file', 'flat.onnx', Buffer.from(encodeModel(graph)));
    assert.match(
      await page.textOf('#model-error'),
      /^flat\.onnx: its input "input", \[batch, 32, 32\], is no batch of images/,
    );
  });

  it('asks nobody but its server and complains about nothing', () => {
    assert.deepEqual([...page.hosts], [new URL(test.demo.url).host]);
    assert.deepEqual(page.complaints, []);
  });
});

describe('a browser without WebGPU', { skip: SKIP_WITHOUT_CHROMIUM, timeout: 1_800_000 }, () => {
  it('falls back by itself and says so', async () => {
    const test = await TestDemo.start(['--disable-features=WebGPU', '--disable-gpu']);
    try {
      const page = await test.open();
      await page.guessesAfter(async () => {
        await page.page.selectOption('#backend-select', 'webgpu');
      });
      assert.match(await page.textOf('#backend'), /WebAssembly SIMD.*This browser offers no WebGPU\.$/);
      assert.deepEqual(page.complaints, []);
    } finally {
      await test.close();
    }
  });
});
