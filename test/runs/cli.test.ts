import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { command } from '../commands/command.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { epochLogs } from './epoch-logs.ts';
import { writeRunFiles } from './write-run.ts';

function runs(
  cwd: string,
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, command('runs', ...args), { cwd });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}

test('list, compare and plot', async () => {
  const cwd = await temporaryFolder();
  const none = await runs(cwd);
  assert.deepEqual([none.code, none.stdout], [0, 'no runs in runs; npm run train makes one\n'], none.stderr);

  await writeRunFiles(join(cwd, 'runs', 'a'), epochLogs(2, 0.1));
  await writeRunFiles(join(cwd, 'runs', 'b'), epochLogs(3, 0.2), { seed: 7 });
  await writeRunFiles(join(cwd, 'runs', 'x'), [], { model: 5 });
  const [json, compared, plotted] = await Promise.all([
    runs(cwd, '--json'),
    runs(cwd, 'compare', 'runs/a', 'b', '--html', 'out/page.html'),
    runs(cwd, 'plot', 'a'),
  ]);
  assert.equal(json.code, 0);
  assert.match(json.stderr, /^skipped: [^\n]*x[^\n]*lacks model[^\n]*\n$/);
  assert.deepEqual(
    JSON.parse(json.stdout).map(({ name, epochsDone }: { name: string; epochsDone: number }) => [
      name,
      epochsDone,
    ]),
    [
      ['b', 3],
      ['a', 2],
    ],
  );

  assert.equal(compared.code, 0, compared.stderr);
  assert.match(compared.stdout, /^seed +42 +7$/m);
  assert.match(await readFile(join(cwd, 'out/page.html'), 'utf8'), /^<!doctype html>/);

  assert.equal(plotted.code, 0, plotted.stderr);
  const plots = await readdir(join(cwd, 'runs/a/plots'));
  const svgs = plots.filter((name) => name.endsWith('.svg')).sort();
  assert.deepEqual(svgs, ['learning-rate.svg', 'loss.svg', 'top1.svg', 'top5.svg']);
  assert.equal(plotted.stdout.trim().split('\n').length, plots.length);
});

test('runs are filtered, noted on and deleted', async () => {
  const cwd = await temporaryFolder();
  await writeRunFiles(join(cwd, 'runs', 'a'), epochLogs(2, 0.1), { epochs: 2, learningRate: 0.1 });
  await writeRunFiles(join(cwd, 'runs', 'b'), epochLogs(1, 0.2), { epochs: 2, learningRate: 0.2 });
  await writeRunFiles(join(cwd, 'runs', 'b2'), epochLogs(1, 0.3), { epochs: 2, learningRate: 0.2 });
  const names = async (...filters: string[]) => {
    const { stdout, stderr } = await runs(
      cwd,
      '--json',
      ...filters.flatMap((filter) => ['--filter', filter]),
    );
    assert.equal(stderr, '');
    return JSON.parse(stdout).map(({ name }: { name: string }) => name);
  };
  assert.deepEqual(await names('lr=0.2'), ['b2', 'b']);
  assert.deepEqual(await names('learningRate=0.2', 'name=2'), ['b2']);
  assert.deepEqual(await names('state=finished'), ['a']);
  assert.deepEqual(await names('model=resnet50'), []);
  assert.match((await runs(cwd, '--filter', 'state=live')).stdout, /^none of the 3 runs in runs is so$/m);

  const noted = await runs(cwd, 'note', 'b', 'too', 'high\u001b[2J a rate');
  assert.equal(noted.code, 0, noted.stderr);
  assert.match((await runs(cwd)).stdout, /^b .* too high\S* a rate$/m);
  assert.ok(!(await runs(cwd)).stdout.includes('\u001b'));
  assert.match((await runs(cwd, 'note', 'b', '')).stdout, /^nothing is noted of runs\/b$/m);

  const asked = await runs(cwd, 'delete', 'b', 'b2');
  assert.match(asked.stderr, /^error: nothing is deleted yet; add --yes to delete them\n$/);
  assert.deepEqual((await readdir(join(cwd, 'runs'))).sort(), ['a', 'b', 'b2']);
  const deleted = await runs(cwd, 'delete', 'b', 'b2', '--yes');
  assert.deepEqual([deleted.code, await readdir(join(cwd, 'runs'))], [0, ['a']], deleted.stderr);

  const run = new RunDirectory(join(cwd, 'runs', 'a'));
  await run.lock();
  const live = await runs(cwd, 'delete', 'a', '--yes');
  await run.unlock();
  assert.match(live.stderr, /^error: runs\/a is being trained by process \d+; .*\n$/);
  assert.deepEqual(await readdir(join(cwd, 'runs')), ['a']);
});

test('runs of ablations are compared by the names that list and page show', async () => {
  const cwd = await temporaryFolder();
  await writeRunFiles(join(cwd, 'runs', 'base'), epochLogs(2, 0.1));
  await writeRunFiles(join(cwd, 'runs', 'abl-a', 'baseline-seed1'), epochLogs(2, 0.2), { seed: 7 });
  await writeRunFiles(join(cwd, 'runs', 'abl-a', 'both-seed1'), epochLogs(2, 0.2));
  await writeRunFiles(join(cwd, 'runs', 'abl-b', 'both-seed1'), epochLogs(2, 0.2));
  const [list, bare, full, unclear] = await Promise.all([
    runs(cwd, '--sort', 'name'),
    runs(cwd, 'compare', 'base', 'baseline-seed1'),
    runs(cwd, 'compare', 'base', 'abl-a/both-seed1'),
    runs(cwd, 'compare', 'base', 'both-seed1'),
  ]);
  assert.deepEqual(list.stdout.match(/^\S+/gm), [
    'name',
    'abl-a/baseline-seed1',
    'abl-a/both-seed1',
    'abl-b/both-seed1',
    'base',
  ]);
  assert.match(bare.stdout, /^seed +42 +7$/m, bare.stderr);
  assert.equal(full.code, 0, full.stderr);
  assert.match(
    unclear.stderr,
    /^error: both-seed1 is the name of 2 runs; say which: abl-a\/both-seed1, abl-b\/both-seed1\n$/,
  );
});

test('mistakes are one line and exit code 1', async () => {
  const cwd = await temporaryFolder();
  await writeRunFiles(join(cwd, 'runs', 'a'), epochLogs(1));
  await writeRunFiles(join(cwd, 'runs', 'b'), epochLogs(1));
  await writeFile(join(cwd, 'file'), '');
  const cases: [args: string[], message: RegExp][] = [
    [['compare', 'a'], /two or more runs/],
    [['compare', 'a', 'zzz'], /there is no run zzz in runs/],
    [['compare', 'a', 'b', '--sort', 'name'], /--sort has no effect on compare/],
    [['compare', 'a', 'b', '--html', 'file/page.html'], /cannot write file\/page\.html/],
    [['--root', 'nowhere'], /cannot list nowhere: ENOENT/],
    [['remove', 'a'], /"remove" is none of compare, plot, note, delete/],
    [['--filter', 'rate'], /--filter takes KEY=VALUE, .*, not "rate"/],
    [['--filter', 'rate=1'], /no run has rate; filter by/],
    [['note'], /note takes the name of a run/],
    [['delete'], /delete takes the names of runs/],
    [['delete', 'zzz', '--yes'], /there is no run zzz/],
    [['delete', '.', '--yes'], /holds no training run/],
  ];
  const results = await Promise.all(cases.map(([args]) => runs(cwd, ...args)));
  for (const [index, { code, stderr }] of results.entries()) {
    assert.equal(code, 1);
    assert.match(stderr, cases[index]![1]);
    assert.match(stderr, /^error: [^\n]+\n$/);
  }
});
