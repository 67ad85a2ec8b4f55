import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { command } from '../commands/command.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';

const folder = await temporaryFolder();

function bench(...args: string[]) {
  return promisify(execFile)(process.execPath, command('bench', ...args));
}

test('all that can be compared here trains and infers, and what cannot is said', async () => {
  const json = join(folder, 'all.json');
  const { stderr } = await bench(
    ...[
      'train',
      'forward',
      '--models',
      'resnet20',
      '--batch-size',
      '2',
      '--rounds',
      '1',
      '--seconds',
      '0.01',
    ],
    ...['--threads', '1', '--json', json],
  );
  const { train, forward } = JSON.parse(await readFile(json, 'utf8'));
  const names = (suite: { results: { contestant: string; imagesPerSecond: number }[] }[]) =>
    suite[0]!.results.map(({ contestant, imagesPerSecond }) => {
      assert.ok(imagesPerSecond > 0, contestant);
      return contestant;
    });
  const trained = names(train);
  assert.equal(trained[0], 'ours, `ort`');
  assert.equal(trained.includes('ours, `tfjs`'), !/^TensorFlow\.js is not compared: /m.test(stderr), stderr);
  assert.equal(trained.includes('PyTorch fp32'), !/^PyTorch is not compared: /m.test(stderr), stderr);
  const inferred = names(forward);
  for (const name of ['ours, fp32 export', 'ours, int8 export', 'ours, int8 export, 7-bit weights']) {
    assert.ok(inferred.includes(name), inferred.join('; '));
  }
});

test('a short run measures training and forward pass and writes tables, roofline and JSON', async () => {
  const path = (name: string) => join(folder, name);
  const { stdout } = await bench(
    ...['train', 'forward', '--models', 'resnet8', '--batch-size', '2', '--rounds', '2', '--seconds', '0.01'],
    // Ours alone.
    ...[
      '--only',
      '`ort`,fp32 export',
      '--threads',
      '1',
      '--table',
      path('t.md'),
      '--svg',
      path('r.svg'),
      '--json',
      path('b.json'),
    ],
  );
  assert.match(stdout, /## Training step\n\n### resnet8, batch 2, 1 thread /);
  const { train, forward } = JSON.parse(await readFile(path('b.json'), 'utf8'));
  const [ours] = train[0].results;
  assert.equal(ours.contestant, 'ours, `ort`');
  assert.ok(ours.imagesPerSecond > 0 && ours.gflops > 0 && ours.setupSeconds > 0);
  // 12.5 million multiply-accumulates an image, 2 operations each, 3 passes in training.
  assert.ok(Math.abs(ours.gflops / ours.imagesPerSecond - 3 * 2 * 0.0125) < 0.003);
  const [exported] = forward[0].results;
  assert.ok(Math.abs(exported.gflops / exported.imagesPerSecond - 2 * 0.0125) < 0.001);
  assert.ok((await readFile(path('t.md'), 'utf8')).includes('ours, fp32 export'));
  assert.match(await readFile(path('r.svg'), 'utf8'), /^<svg .*resnet8.*<\/svg>$/s);
});

test('a net at another image size is measured, and a peer that has no such net is left out', async () => {
  const json = join(folder, 'lite.json');
  const args = ['--batch-size', '2', '--rounds', '1', '--seconds', '0.01', '--threads', '1', '--json', json];
  const { stderr } = await bench(
    ...['train', '--models', 'efficientnet-lite0@32', '--only', '`ort`,plain tfjs', ...args],
  );
  const [{ model, results }] = JSON.parse(await readFile(json, 'utf8')).train;
  assert.equal(model, 'efficientnet-lite0@32');
  assert.deepEqual(
    results.map(({ contestant }: { contestant: string }) => contestant),
    ['ours, `ort`'],
  );
  // Where TensorFlow is set up, its row was tried.
  assert.match(
    stderr,
    /TensorFlow\.js is not compared|left out of efficientnet-lite0@32: plain tfjs-node cannot be measured: there is no efficientnet-lite0/,
  );
});

test('what was measured before a net that cannot be is told all the same', async () => {
  const graph = buildModel('resnet8', { numClasses: 10 });
  initializeParameters(graph, 1);
  // For one image at a time, and it is asked for two.
  graph.inputs[0]!.dims[0] = 1;
  const file = join(folder, 'one.onnx');
  await writeFile(file, encodeModel(graph));
  const json = join(folder, 'some.json');
  await assert.rejects(
    bench(
      ...['train', '--models', `resnet8,one=${file}`, '--batch-size', '2', '--rounds', '1'],
      ...['--seconds', '0.01', '--threads', '1', '--only', '`ort`', '--json', json],
    ),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => {
      assert.equal(code, 1);
      assert.match(stdout, /### resnet8, batch 2, 1 thread/);
      assert.match(stderr, /^error: .+$/m);
      return true;
    },
  );
  const { train } = JSON.parse(await readFile(json, 'utf8'));
  assert.deepEqual(
    train.map(({ model }: { model: string }) => model),
    ['resnet8'],
  );
});
