import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { command } from '../commands/command.ts';

const folder = await mkdtemp(join(tmpdir(), 'bench-'));
after(() => rm(folder, { recursive: true }));

function bench(...args: string[]) {
  return promisify(execFile)(process.execPath, command('bench', ...args));
}

test('a short run measures training and forward pass and writes tables, roofline and JSON', async () => {
  const path = (name: string) => join(folder, name);
  const { stdout } = await bench(
    ...['train', 'forward', '--models', 'resnet8', '--batch-size', '2', '--rounds', '2', '--seconds', '0.01'],
    // Ours alone; cli.slow.ts measures all that can be compared here.
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

for (const [args, message] of [
  [['trian'], /error: there is no suite "trian"; the bench has train, forward/],
  [['--models', 'resnet21'], /error: there is no model "resnet21"/],
  // More where there are peers.
  [['train', '--only', 'caffe'], /^error: --only caffe names none of what is measured: ours, `ort`(; .+)?$/m],
  [['--python', '/no/python'], /error: \/no\/python has no PyTorch/],
] as const) {
  test(`bench ${args.join(' ')} is refused in one line`, async () => {
    await assert.rejects(bench(...args), (error: { code: number; stderr: string }) => {
      assert.equal(error.code, 1);
      assert.match(error.stderr, message);
      // Before it there may be a line for each peer that is missing.
      const lines = error.stderr.trim().split('\n');
      return lines.findIndex((line) => line.startsWith('error: ')) === lines.length - 1;
    });
  });
}

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
