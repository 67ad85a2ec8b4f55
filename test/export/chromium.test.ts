import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import express from 'express';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Browser, Page } from 'playwright-core';
import { Random } from '../../core/random.ts';
import { exportRun } from '../../export/export-model.ts';
import type { ExportOptions } from '../../export/options.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { launchChromium, SKIP_WITHOUT_CHROMIUM } from '../web-demo/chromium.ts';
import { writeRun } from './trained-run.ts';

/** onnxruntime-web as it is published, without a bundler. */
const RUNTIME = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));

const IMAGES = 2;
const VALUES = IMAGES * 3 * 32 * 32;
const random = new Random(3);
const floats = Array.from({ length: VALUES }, () => random.normal());
const bytes = Array.from({ length: VALUES }, () => random.integer(256));

interface Variant {
  options: ExportOptions;
  input: { name: string; type: 'float32' | 'uint8'; dims: number[]; values: number[] };
}

const PLANAR = { name: 'input', type: 'float32', dims: [IMAGES, 3, 32, 32], values: floats } as const;
const PIXELS = { name: 'images', type: 'uint8', dims: [IMAGES, 32, 32, 3], values: bytes } as const;
const VARIANTS: Record<string, Variant> = {
  fp32: { options: {}, input: { ...PLANAR, dims: [...PLANAR.dims] } },
  fp16: { options: { precision: 'fp16' }, input: { ...PLANAR, dims: [...PLANAR.dims] } },
  preprocess: { options: { preprocess: true }, input: { ...PIXELS, dims: [...PIXELS.dims] } },
};

describe('an exported model in Chromium', { skip: SKIP_WITHOUT_CHROMIUM, timeout: 600_000 }, async () => {
  const folder = await temporaryFolder();
  let server: Server;
  let browser: Browser;
  let page: Page;

  before(async () => {
    const run = await writeRun(join(folder, 'run'), { checkpoints: ['best'] });
    for (const [name, { options }] of Object.entries(VARIANTS)) {
      await exportRun({ run, out: join(folder, `${name}.onnx`), verifyImages: 6, ...options });
    }
    const app = express().use('/runtime', express.static(RUNTIME)).use('/models', express.static(folder));
    app.get('/', (_, response) => void response.type('html').send('<!doctype html><title>export</title>'));
    server = await new Promise<Server>((resolve) => {
      const listening = app.listen(0, '127.0.0.1', () => resolve(listening));
    });
    browser = await launchChromium();
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  });

  after(async () => {
    await browser?.close();
    server?.close();
  });

  /** All outputs of a model, one after another, by onnxruntime-web. */
  function runInPage(model: string, input: Variant['input']): Promise<number[]> {
    return page.evaluate(
      async ({ model, input }) => {
        // A name that the compiler does not look for among the packages of Node.
        const url: string = '/runtime/ort.wasm.min.mjs';
        const ort = await import(url);
        ort.env.wasm.numThreads = 1;
        const session = await ort.InferenceSession.create(`/models/${model}.onnx`);
        const data = input.type === 'uint8' ? Uint8Array.from(input.values) : Float32Array.from(input.values);
        const outputs = await session.run({ [input.name]: new ort.Tensor(input.type, data, input.dims) });
        return session.outputNames.flatMap((name: string) => Array.from(outputs[name].data, Number));
      },
      { model, input },
    );
  }

  async function runInNode(model: string, { name, type, dims, values }: Variant['input']): Promise<number[]> {
    const session = await InferenceSession.create(await readFile(join(folder, `${model}.onnx`)));
    const tensor =
      type === 'uint8'
        ? new Tensor('uint8', Uint8Array.from(values), dims)
        : new Tensor('float32', Float32Array.from(values), dims);
    const outputs = await session.run({ [name]: tensor });
    const all = session.outputNames.flatMap((output) =>
      Array.from(outputs[output]!.data as ArrayLike<number | bigint>, Number),
    );
    await session.release();
    return all;
  }

  for (const [name, { input }] of Object.entries(VARIANTS)) {
    it(`computes in ${name} what it does in Node`, async () => {
      const expected = await runInNode(name, input);
      const actual = await runInPage(name, input);
      assert.equal(actual.length, expected.length);
      const largest = Math.max(...expected.map(Math.abs));
      // Both round to float16 in between where the model says so, in an order of their own.
      const tolerance = (name === 'fp16' ? 5e-3 : 1e-4) * largest;
      for (const [i, value] of expected.entries()) assert.ok(Math.abs(actual[i]! - value) <= tolerance);
    });
  }
});
