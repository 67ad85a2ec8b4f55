import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildPackage } from '../../setup/build-package.ts';
import { picture } from '../data/image-folder.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const TSC = join(PROJECT, 'node_modules/typescript/bin/tsc');
const run = promisify(execFile);

/** What the package runs on: this Node, and another where OTHER_NODE names its program. */
const NODES = [process.execPath, ...(process.env.OTHER_NODE ? [process.env.OTHER_NODE] : [])];

/** What a user's program says of types: each face, and that what is wrong is seen. */
const CONSUMER = `
import { Classifier, type ExportedModel, loadDataset, type Prediction, train, UserError } from 'onnx-classifier';
import { type Server, startServer } from 'onnx-classifier/serve';
import { exportModel, type TrainedRun } from 'onnx-classifier/train';
import { openModel, openServer, type WebClassifier } from 'onnx-classifier/web';

const dataset = await loadDataset({ dataset: 'synthetic' });
const trained: TrainedRun = await train({ dataset, model: 'resnet14t', epochs: 1 });
const exported: ExportedModel = await exportModel({ run: trained, out: 'x.onnx' });
const classifier = await Classifier.open(exported.file);
const best: Prediction[] = await classifier.classify('picture.png', { topK: 1 });
const server: Server = await startServer({ models: [exported.file], port: 0 });
const page: WebClassifier = await openServer(server.url);
const local: WebClassifier = await openModel('/x.onnx');
console.log(best[0]?.label, page.labels, local.labels, new UserError('').message);
// @ts-expect-error
await train({ dataset, epochs: 'many' });
// @ts-expect-error
await classifier.classify(1);
`;

describe('the package, installed in an empty folder', () => {
  let folder: string;
  let bin: string;
  /** Without what the test itself was started with, and the Node first that runs it. */
  let env: NodeJS.ProcessEnv;
  const runWith = (node: string): void => {
    env.PATH = [dirname(node), process.env.PATH].join(delimiter);
  };

  const command = async (...args: string[]): Promise<string> => {
    const { stdout } = await run(bin, args, { cwd: folder, env });
    return stdout;
  };
  const npm = (...args: string[]) =>
    run('npm', [...args, '--silent', '--ignore-scripts', '--prefer-offline', '--no-audit'], {
      cwd: folder,
      env,
    });

  before(async () => {
    await buildPackage(join(PROJECT, 'dist'));
    // A checkout above it would lend it its packages.
    folder = await realpath(await mkdtemp(join(tmpdir(), 'installed-')));
    const names = Object.entries(process.env).filter(
      ([name]) => !/^(npm_(?!config_)|NODE_|CI$|INIT_CWD)/.test(name),
    );
    env = Object.fromEntries(names);
    runWith(process.execPath);
    for (const name of ['CIFAR100_DIR', 'CIFAR10_DIR']) delete env[name];
    await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: PROJECT, env });
    const [tarball] = await readdir(folder);
    await writeFile(join(folder, 'package.json'), '{ "type": "module", "private": true }');
    await npm('install', `./${tarball}`);
    bin = join(folder, 'node_modules/.bin/onnx-classifier');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('brings neither TensorFlow nor what builds the page', () => {
    for (const name of ['@tensorflow', 'vite', 'onnxruntime-web', 'typescript']) {
      assert.ok(!existsSync(join(folder, 'node_modules', name)), name);
    }
  });

  for (const node of NODES) {
    describe(`with ${node === process.execPath ? process.version : node}`, () => {
      before(() => runWith(node));
      after(async () => {
        runWith(process.execPath);
        for (const made of ['runs', 'exports']) await rm(join(folder, made), { recursive: true });
      });

      it('trains, exports, predicts, serves and evaluates, in the folder of its user', async () => {
        const tiny = ['--epochs', '1', '--train-images', '256', '--batch-size', '64'];
        const said = await command(
          ...['train', '--dataset', 'synthetic', '--model', 'resnet14t', '--run', 'runs/first', ...tiny],
        );
        assert.match(said, /export it with onnx-classifier export --model resnet14t --run runs\/first/);
        assert.ok((await stat(join(folder, 'runs/first/best.safetensors'))).size > 1e6);
        await command('export', '--run', 'runs/first', '--out', 'exports/mine.onnx');
        await writeFile(join(folder, 'green.png'), await picture(1, 40, 40, [30, 200, 30]).png().toBuffer());
        // By its name, as in a checkout.
        const [line] = (await command('predict', 'green.png', '--model', 'mine', '--json')).split('\n');
        const { predictions } = JSON.parse(line!) as { predictions: { label: string }[] };
        assert.equal(predictions.length, 5);
        const evaluated = JSON.parse(
          await served('serve', ['--model', 'mine'], async (url) => {
            const body = await picture(1, 40, 40, [30, 200, 30]).png().toBuffer();
            const answer = await fetch(`${url}/predict`, { method: 'POST', body: new Uint8Array(body) });
            assert.equal(
              ((await answer.json()) as typeof evaluated).predictions[0].label,
              predictions[0]!.label,
            );
            return command('evaluate', '--server', url, '--limit', '200', '--json');
          }),
        );
        assert.equal(evaluated.images, 200);
      });

      it('classifies with the model that comes with it, and shows the page', async () => {
        const said = await command('predict', 'green.png');
        assert.match(said, /^green\.png {2}\S/);
        await served('demo', [], async (url) => {
          const html = await (await fetch(url)).text();
          const [, script] = /src="\.\/(assets\/[^"]+\.js)"/.exec(html)!;
          assert.equal((await fetch(new URL(script!, url))).status, 200);
          const { models } = (await (await fetch(new URL('models/index.json', url))).json()) as {
            models: { name: string }[];
          };
          const names = models.map(({ name }) => name);
          assert.ok(names.includes('resnet14t') && names.includes('exports/mine'), names.join());
        });
      });
    });
  }

  it('says how TensorFlow is had, and finds it where it is', async () => {
    const wanted = () =>
      command('train', '--engine', 'tfjs', '--dataset', 'synthetic', '--model', 'resnet20');
    await assert.rejects(
      wanted(),
      /error: @tensorflow\/tfjs-node-gpu is not installed; npm install @tensorflow\/tfjs-node-gpu@4\.22\.0/,
    );
    // 140 packages for one check: what counts is where it is looked for.
    const tfjs = join(folder, 'node_modules/@tensorflow/tfjs-node-gpu');
    await mkdir(tfjs, { recursive: true });
    await writeFile(
      join(tfjs, 'package.json'),
      '{ "name": "@tensorflow/tfjs-node-gpu", "version": "4.22.0" }',
    );
    await assert.rejects(
      wanted(),
      /error: TensorFlow is not set up here; onnx-classifier setup:tensorflow builds it/,
    );
  });

  it('has types that hold under tsc --strict, without skipLibCheck', async () => {
    await npm('install', '--no-save', '@types/node@20');
    await writeFile(join(folder, 'consumer.ts'), CONSUMER);
    const strict = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2023', '--types', 'node'];
    const { stdout } = await run(process.execPath, [TSC, ...strict, 'consumer.ts'], { cwd: folder }).catch(
      (error: { stdout: string }) => error,
    );
    assert.equal(stdout, '');
  });

  /** Starts a server of ours, and stops it. */
  async function served<T>(name: string, args: string[], use: (url: string) => Promise<T>): Promise<T> {
    const server: ChildProcess = spawn(bin, [name, '--port', '0', ...args], { cwd: folder, env });
    try {
      let said = '';
      for await (const chunk of server.stdout!) {
        said += chunk;
        const [url] = /http:\/\/[\d.]+:\d+/.exec(said) ?? [];
        if (url !== undefined) return await use(url);
      }
      throw new Error(`${name} ended: ${said}`);
    } finally {
      server.kill();
      if (server.exitCode === null) await once(server, 'exit');
    }
  }
});
