import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import { encodeMetadata } from '../../core/model-metadata.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { writeTarget } from '../../export/targets/write-target.ts';
import { Classifier, loadDataset } from '../../index.ts';
import { temporaryFolder } from '../serve/support/test-model.ts';
import { CHROMIUM, launchChromium } from '../web-demo/chromium.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const MODEL = join(PROJECT, 'models/resnet14t.onnx');
const VERSION = '4.3.2';
/** Kept, for it is half a gigabyte; with packages of its own, as a user has it. */
const CACHE = join(PROJECT, `node_modules/.cache/transformers-js-${VERSION}`);
const IMAGES = 200;
const LARGER = 40;
const run = promisify(execFile);

/** Runs in Node beside the package: prints the best class of each picture, a line a precision. */
const IN_NODE = `
import { env, pipeline, RawImage } from '@huggingface/transformers';
const [root, name, ...pictures] = process.argv.slice(2);
env.allowRemoteModels = false;
env.localModelPath = root;
for (const dtype of ['fp32', 'fp16', 'q8']) {
  const classify = await pipeline('image-classification', name, { dtype });
  const best = [];
  for (const picture of pictures) best.push((await classify(picture, { top_k: 1 }))[0]);
  console.log(JSON.stringify(best));
}
`;

const IN_PAGE = `<!doctype html><script type="importmap">{ "imports": {
  "@huggingface/transformers": "/node_modules/@huggingface/transformers/dist/transformers.web.js",
  "onnxruntime-common": "/node_modules/onnxruntime-common/dist/esm/index.js",
  "onnxruntime-web/webgpu": "/node_modules/onnxruntime-web/dist/ort.webgpu.bundle.min.mjs"
} }</script><script type="module">
import { env, pipeline } from '@huggingface/transformers';
env.allowRemoteModels = false;
env.allowLocalModels = true;
env.localModelPath = '/models/';
env.backends.onnx.wasm.wasmPaths = '/node_modules/onnxruntime-web/dist/';
env.backends.onnx.wasm.numThreads = 1;
globalThis.classifyAll = async (pictures) => {
  const classify = await pipeline('image-classification', 'mine-transformers.js', { device: 'wasm', dtype: 'fp32' });
  const best = [];
  for (const picture of pictures) best.push((await classify(picture, { top_k: 1 }))[0]);
  return best;
};
</script>`;

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.html': 'text/html',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
};

interface Best {
  label: string;
  score: number;
}

describe(`@huggingface/transformers ${VERSION}`, () => {
  let folder: string;
  let small: string[];
  let large: string[];
  let expected: Best[];
  let expectedLarge: Best[];

  before(async () => {
    if (!existsSync(join(CACHE, 'node_modules/@huggingface/transformers'))) {
      await mkdir(CACHE, { recursive: true });
      await writeFile(join(CACHE, 'package.json'), '{ "type": "module", "private": true }');
      const install = ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--silent'];
      await run('npm', [...install, `@huggingface/transformers@${VERSION}`], { cwd: CACHE });
    }
    await writeFile(join(CACHE, 'classify.js'), IN_NODE);
    folder = await temporaryFolder();
    const { test } = await loadDataset();
    small = [];
    large = [];
    for (let i = 0; i < IMAGES; i++) {
      const planes = test.images.subarray(i * 3072, (i + 1) * 3072);
      const pixels = Uint8Array.from(
        { length: 3072 },
        (_, at) => planes[(at % 3) * 1024 + Math.floor(at / 3)]!,
      );
      const image = sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } });
      small.push(join(folder, `${i}.png`));
      await image.clone().png().toFile(small[i]!);
      if (i >= LARGER) continue;
      // Wider than high, as photos are.
      large.push(join(folder, `${i}-large.png`));
      await image.resize(300, 200, { fit: 'cover', kernel: 'cubic' }).png().toFile(large[i]!);
    }
    const model = join(folder, 'mine.onnx');
    const { graph, metadata } = await loadClassifier(MODEL);
    // Of a dataset that is not looked for: int8 is calibrated on these pictures.
    await writeFile(model, encodeModel(graph, encodeMetadata({ ...metadata, dataset: 'mine' })));
    const exported = { data: folder, calibration: { images: 100 }, verifyImages: 50 };
    await writeTarget('transformers.js', { model, exported });
    const classifier = await Classifier.open(MODEL);
    const bestOf = async (files: string[]) =>
      (await classifier.classify(files, { topK: 1 })).map(([best]) => ({
        label: best!.label,
        score: best!.probability,
      }));
    expected = await bestOf(small);
    expectedLarge = await bestOf(large);
    await classifier.close();
  });

  const agreeing = (actual: Best[], wanted: Best[]): number =>
    actual.filter(({ label }, i) => label === wanted[i]!.label).length;

  it('in Node has the best classes of our server, in all precisions', async (t) => {
    const args = ['classify.js', `${folder}/`, 'mine-transformers.js', ...small, ...large];
    const { stdout } = await run(process.execPath, args, { cwd: CACHE, maxBuffer: 1e8 });
    const [fp32, fp16, q8] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Best[]);
    assert.equal(agreeing(fp32!.slice(0, IMAGES), expected), IMAGES);
    for (const [i, { score }] of expected.entries()) assert.ok(Math.abs(score - fp32![i]!.score) < 1e-4);
    assert.ok(agreeing(fp16!.slice(0, IMAGES), expected) >= 0.98 * IMAGES);
    assert.ok(agreeing(q8!.slice(0, IMAGES), expected) >= 0.85 * IMAGES);
    // Another filter, so now and then another class.
    const same = agreeing(fp32!.slice(IMAGES), expectedLarge);
    t.diagnostic(
      `fp16 ${agreeing(fp16!.slice(0, IMAGES), expected)}, q8 ${agreeing(q8!.slice(0, IMAGES), expected)} of ${IMAGES}; of larger pictures ${same} of ${LARGER}`,
    );
    assert.ok(same >= 0.5 * LARGER, `${same} of ${LARGER}`);
  });

  it('in Chromium has them too', {
    skip: CHROMIUM ? false : 'there is no Chromium; install it or set CHROMIUM_PATH',
  }, async (t) => {
    const server = await serveFiles();
    const { port } = server.address() as AddressInfo;
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(400_000);
      await page.goto(`http://127.0.0.1:${port}/page.html`);
      await page.waitForFunction('globalThis.classifyAll');
      const names = (files: string[]) => files.map((file) => file.replace(folder, '/models'));
      const best = (await page.evaluate(
        (pictures) =>
          (globalThis as unknown as { classifyAll(p: string[]): Promise<Best[]> }).classifyAll(pictures),
        [...names(small), ...names(large)],
      )) as Best[];
      assert.equal(agreeing(best.slice(0, IMAGES), expected), IMAGES);
      t.diagnostic(`of larger pictures ${agreeing(best.slice(IMAGES), expectedLarge)} of ${LARGER}`);
    } finally {
      await browser.close();
      server.close();
    }
  });

  /** The package under /node_modules, models and pictures under /models. */
  async function serveFiles(): Promise<Server> {
    const server = createServer(async (request, response) => {
      const path = new URL(request.url!, 'http://localhost').pathname;
      response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
      const file = path.startsWith('/models/')
        ? join(folder, path.slice('/models'.length))
        : join(CACHE, path);
      if (path === '/page.html') response.end(IN_PAGE);
      else
        await readFile(file).then(
          (bytes) => response.end(bytes),
          () => response.writeHead(404).end(),
        );
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    return server;
  }
});
