import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { writeFileAtomic } from '../../core/fs/atomic-write.ts';
import { loadCheckpoint } from '../../core/weights/checkpoint.ts';
import { encodeSafetensors } from '../../core/weights/safetensors.ts';
import type { StepDescription } from '../../train/step-files/describe.ts';
import { command } from '../commands/command.ts';

const folder = await mkdtemp(join(tmpdir(), 'step-graph-'));
after(() => rm(folder, { recursive: true, force: true }));

function stepGraph(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const all = command('step-graph', '--dataset', 'synthetic', '--model', 'resnet8', ...args);
  return new Promise((resolve) => {
    execFile(process.execPath, all, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

const SHORT = ['--train-images', '70', '--batch-size', '32', '--epochs', '2', '--processes', '4'];

it('writes a run that nothing has trained yet, and starts another from its weights', async () => {
  const [first, second] = [join(folder, 'first'), join(folder, 'second')];
  const made = await stepGraph(...SHORT, '--optim', 'adam', '--seed', '8', '--out', first);
  assert.deepEqual([made.code, made.stderr], [0, '']);
  assert.match(made.stdout, /2 epochs of 2 steps, batch 32 in 4 shares of 8, adam/);
  const about = JSON.parse(await readFile(join(first, 'step-graph.json'), 'utf8')) as StepDescription;
  assert.deepEqual([about.shares, about.epochs, about.stepsPerEpoch], [4, 2, 2]);
  assert.deepEqual(about.scalars.names, ['learning_rate', 'step_size', 'inverse_root_correction']);
  assert.deepEqual(
    about.state.vectors.map(({ name }) => name),
    ['parameters', 'buffers', 'exp_avg', 'exp_avg_sq'],
  );

  // What is written is a whole checkpoint: another run may start from it.
  const weights = join(first, 'last.safetensors');
  const again = await stepGraph(...SHORT, '--weights', weights, '--seed', '9', '--out', second);
  assert.deepEqual([again.code, again.stderr], [0, '']);
  const [a, b] = await Promise.all(
    [first, second].map((run) => loadCheckpoint(join(run, 'last.safetensors'))),
  );
  assert.deepEqual(b!.progress, { epoch: 0, batch: 0, steps: 0 });
  assert.deepEqual(b!.tensors.get('layer1.0.conv1.weight'), a!.tensors.get('layer1.0.conv1.weight'));
  assert.ok(b!.tensors.get('optimizer.momentum.fc.bias')!.data.every((value) => value === 0));

  const over = await stepGraph(...SHORT, '--out', first);
  assert.deepEqual(
    [over.code, over.stderr],
    [1, `error: ${first} already holds a run; give another --out\n`],
  );
});

it('answers mistakes with a line, and leaves nothing behind', async () => {
  const out = join(folder, 'never');
  const other = join(folder, 'other.safetensors');
  const dims = [3, 3];
  const tensors = new Map([['fc.weight', { dims, data: new Float32Array(9) }]]);
  await writeFileAtomic(other, encodeSafetensors({ tensors, metadata: {} }));
  const cases: [string[], RegExp][] = [
    [['--out', out, '--batch-size', '30', '--processes', '4'], /a batch of 30 has no 4 equal shares; change/],
    [['--out', out, '--batch-size', '99998'], /do not fill a batch of 99998; lower --batch-size/],
    [['--out', out, '--optim', 'adam', '--nesterov'], /options of sgd/],
    [['--out', out, '--weights', join(folder, 'none.pth')], /cannot read .*none\.pth/],
    [['--out', out, '--weights', other], /does not fit resnet8/],
    [['--out', join('/dev/null', 'x')], /cannot write to \/dev\/null\/x: .*; give another --out/],
    [[], /give --model NAME and --out DIR/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await stepGraph(...args);
    assert.equal(code, 1, stderr);
    assert.match(stderr, message);
    assert.match(stderr, /^error: [^\n]+\n$/);
  }
  assert.ok(!existsSync(out));
});
