import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CellName } from '../../train/ablation/cells.ts';
import { command } from '../commands/command.ts';
import { writeColors } from '../data/image-folder.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { cellJson, logOf } from './cell-runs.ts';
import { readTables } from './read-markdown.ts';

function ablation(
  cwd: string,
  args: readonly string[],
  onOutput?: (stdout: string, kill: () => void) => void,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  // A dataset of the machine's must not be picked up.
  const { CIFAR100_DIR: _, ...env } = process.env;
  const child = spawn(process.execPath, command('ablation', ...args), { cwd, env });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
    onOutput?.(stdout, () => child.kill('SIGINT'));
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}

/** A run of two epochs asked for, as a machine without its checkpoints would have it. */
async function writeRun(
  out: string,
  cell: CellName,
  seed: number,
  accuracies: [number, number][],
): Promise<void> {
  const path = join(out, `${cell}-seed${seed}`);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, 'config.json'), JSON.stringify(cellJson(cell, seed, 2)));
  const lines = logOf(accuracies).map((entry) => `${JSON.stringify(entry)}\n`);
  await writeFile(join(path, 'log.jsonl'), lines.join(''));
}

test('the table of runs on disk', async () => {
  const cwd = await temporaryFolder();
  const out = join(cwd, 'runs', 'ablation-resnet20');
  await writeRun(out, 'baseline', 1, [
    [0.2, 0.4],
    [0.5, 0.75],
  ]);
  await writeRun(out, 'baseline', 2, [
    [0.2, 0.4],
    [0.6, 0.75],
  ]);
  await writeRun(out, 'both', 1, [[0.2, 0.4]]);
  await writeFile(join(out, 'command.txt'), 'npm run ablation -- --epochs 2\n');
  await mkdir(join(out, 'something-seed1'));

  const args = ['--table-only', '--table', 'docs/t.md', '--json', 'r.json'];
  const { code, stdout, stderr } = await ablation(cwd, args);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^\| baseline .*\| +55\.00 ± 7\.07 % \| +75\.00 ± 0\.00 % \|/m);
  assert.match(stdout, /^not in the table: both with seed 1 \(1 of 2 epochs done\)$/m);
  assert.match(stdout, /^wrote docs\/t\.md\nwrote r\.json$/m);

  const document = await readFile(join(cwd, 'docs/t.md'), 'utf8');
  assert.ok(
    document.includes(`npm run ablation -- --epochs 2\nnpm run ablation -- ${args.join(' ')}\n`),
    document,
  );
  assert.equal(readTables(document.split('\n'))[0]?.length, 2);
  assert.deepEqual(await readdir(join(cwd, 'docs')), ['t.md']);
  const json = JSON.parse(await readFile(join(cwd, 'r.json'), 'utf8'));
  assert.deepEqual([json.cells.length, json.cells[0].finalTop1.n, json.reference.top1], [1, 2, 0.8321]);
  assert.deepEqual(json.unfinished, [{ cell: 'both', seed: 1, epochsDone: 1 }]);

  // A single seed of them.
  const one = await ablation(cwd, ['--table-only', '--seeds', '2,']);
  assert.match(one.stdout, /^\| baseline .*\| +60\.00 % \(n=1\) \|/m);
});

test('Ctrl-C saves, exits with 130 and says how to go on', async () => {
  const cwd = await temporaryFolder();
  const args = [
    ...['--dataset', 'synthetic', '--train-images', '640', '--batch-size', '16', '--epochs', '1'],
    ...['--threads', '1', '--replicas', '1', '--cells', 'baseline,cutmix', '--seeds', '1', '--out', 'a b'],
  ];
  let interrupted = false;
  const { code, stdout, stderr } = await ablation(cwd, args, (seen, kill) => {
    if (interrupted || !/^all 2 runs left: about /m.test(seen)) return;
    interrupted = true;
    kill();
  });
  assert.equal(code, 130, stderr);
  const command = `npm run ablation -- ${args.join(' ').replace('a b', "'a b'")}`;
  assert.ok(stdout.includes(`stopped; continue with ${command}\n`), stdout);
  assert.equal(await readFile(join(cwd, 'a b', 'command.txt'), 'utf8'), `${command}\n`);
  assert.deepEqual((await readdir(join(cwd, 'a b'))).sort(), ['baseline-seed1', 'command.txt']);
  assert.ok((await readdir(join(cwd, 'a b', 'baseline-seed1'))).includes('last.safetensors'));

  const other = await ablation(cwd, [...args, '--lr', '0.2']);
  assert.equal(other.code, 1);
  assert.match(
    other.stderr,
    /^error: a b\/baseline-seed1 holds .*: learningRate is 0\.1 there and 0\.2 now; [^\n]+\n$/,
  );
});

test('takes a recipe as train does, and a batch that the images fill', async () => {
  const cwd = await temporaryFolder();
  await writeColors(join(cwd, 'photos'), 6, 2);
  const recipe = { model: 'resnet14t', epochs: 9, optimizer: 'adamw', cutmixProb: 1, seed: 3, crop: 2 };
  await writeFile(join(cwd, 'mine.json'), JSON.stringify(recipe));
  const args = ['mine.json', '--data', 'photos', '--epochs', '1', '--cells', 'baseline', '--seeds', '5,'];
  const { code, stdout, stderr } = await ablation(cwd, [...args, '--threads', '1', '--replicas', '1']);
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^cutmixProb, seed of the recipe: not taken, for the runs differ in cell and seed alone$/m,
  );
  assert.match(stdout, /^18 training images do not fill a batch of 128; training in batches of 8 /m);
  const path = join(cwd, 'runs/ablation-resnet14t/baseline-seed5/config.json');
  const { model, epochs, optimizer, cutmixProb, seed, crop, batchSize } = JSON.parse(
    await readFile(path, 'utf8'),
  );
  assert.deepEqual(
    { model, epochs, optimizer, cutmixProb, seed, crop, batchSize },
    { ...recipe, epochs: 1, cutmixProb: 0, seed: 5, batchSize: 8 },
  );
});

test('mistakes are one line and exit code 1, and leave nothing behind', async () => {
  const cwd = await temporaryFolder();
  const cases: [args: string[], message: RegExp][] = [
    [['--cells', 'mixup'], /"mixup" is none of them/],
    [['--seeds', '0'], /--seeds 0: from 1/],
    [['--table-only'], /cannot list runs\/ablation-resnet20: ENOENT; .*--out/],
    [['--table-only', '--out', '.'], /no run of an ablation is finished in \./],
    [
      ['--table-only', '--batch-size', '8', '--lr', '1'],
      /--batch-size, --lr have no effect with --table-only/,
    ],
    [['--augment', 'none'], /--augment/],
    [['mine.ts', '--table-only'], /mine\.ts has no effect with --table-only/],
    [['gone.ts'], /there is no recipe gone\.ts/],
    [['a.ts', '--preset', 'fast'], /one recipe at a time/],
    [
      ['--dataset', 'synthetic', '--batch-size', '16', '--replicas', '3'],
      /batch of 16 cannot be shared out .*3 replicas/,
    ],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await ablation(cwd, args);
    assert.equal(code, 1, args.join(' '));
    assert.match(stderr, message);
    assert.match(stderr, /^error: [^\n]+\n$/);
  }
  assert.deepEqual(await readdir(cwd), []);
});
