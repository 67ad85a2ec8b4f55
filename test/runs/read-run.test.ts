import assert from 'node:assert/strict';
import { appendFile, mkdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { listLines, sortedSummaries } from '../../train/runs/list.ts';
import { bestEpoch, parseEpochs } from '../../train/runs/parse-epochs.ts';
import { readRun, readRuns } from '../../train/runs/read-run.ts';
import { summarize } from '../../train/runs/summary.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { epochLogs } from './epoch-logs.ts';
import { writeRunFiles } from './write-run.ts';

test('a run is summed up by its best epoch', async () => {
  const path = join(await temporaryFolder(), 'one');
  const epochs = epochLogs(3);
  // Worse again, as overfitting does; the same top-1 twice, of which the smaller loss counts.
  epochs.push({ ...epochs[2]!, epoch: 3, testLoss: 9 }, { ...epochs[0]!, epoch: 4 });
  await writeRunFiles(path, epochs, { epochs: 7 });
  const summary = summarize(await readRun(path));
  assert.deepEqual(
    { ...summary, bestTop1: summary.bestTop1!.toFixed(6), bestTop5: summary.bestTop5!.toFixed(6) },
    {
      name: 'one',
      path,
      model: 'resnet20',
      dataset: 'synthetic',
      state: 'stopped',
      epochsDone: 5,
      epochsAsked: 7,
      bestTop1: '0.300000',
      bestTop5: '0.600000',
      bestTestLoss: 4.25 / 3,
      bestOn: null,
      bestEpoch: 3,
      imagesPerSecond: (100 + 200 + 300 + 300 + 100) / 5,
      seconds: 60,
    },
  );
});

test('speed is images by time, so that a long epoch weighs more', async () => {
  const path = join(await temporaryFolder(), 'one');
  const [first, second] = epochLogs(2);
  await writeRunFiles(path, [first!, { ...second!, trainSeconds: 30 }]);
  assert.equal(summarize(await readRun(path)).imagesPerSecond, (100 * 10 + 200 * 30) / 40);
});

test('a log cut short, with foreign lines, is read as far as it goes', async () => {
  const path = join(await temporaryFolder(), 'cut');
  await writeRunFiles(path, epochLogs(2));
  await appendFile(
    join(path, 'log.jsonl'),
    'null\n7\n{"note":"x"}\n{"epoch":-1}\n{"epoch":2,"testTop1":0.5}\n{"epoch":3,"tes',
  );
  const run = await readRun(path);
  assert.deepEqual(
    run.epochs.map(({ epoch }) => epoch),
    [0, 1, 2],
  );
  assert.ok(Number.isNaN(run.epochs[2]!.trainLoss));
  const { bestTop1, bestTop5, bestTestLoss, seconds, imagesPerSecond } = summarize(run);
  assert.deepEqual([bestTop1, bestTop5, bestTestLoss, seconds, imagesPerSecond], [0.5, null, null, 24, 150]);
});

test('epochs are in order, the later of two entries counts', () => {
  const [a, b] = epochLogs(2);
  const parsed = parseEpochs([b, a, { ...b, testTop1: 0.9 }]);
  assert.deepEqual(
    parsed.map(({ epoch, testTop1 }) => [epoch, testTop1]),
    [
      [0, 0.1],
      [1, 0.9],
    ],
  );
  assert.equal(bestEpoch(parsed), parsed[1]);
  assert.equal(bestEpoch([]), undefined);
});

test('a run that has not logged yet has no results', async () => {
  const path = join(await temporaryFolder(), 'new');
  await writeRunFiles(path, []);
  const summary = summarize(await readRun(path));
  assert.deepEqual(
    [summary.epochsDone, summary.bestTop1, summary.imagesPerSecond, summary.seconds],
    [0, null, null, 0],
  );
  assert.match(listLines([summary])[1]!, /^new +stopped +resnet20 +synthetic +0\/3 +- +- +0\.0s$/);
});

test('directories that hold no run are skipped with a reason, files passed over', async () => {
  const root = await temporaryFolder();
  await writeRunFiles(join(root, 'good'), epochLogs(1));
  await mkdir(join(root, 'empty'));
  await mkdir(join(root, 'broken'));
  await writeFile(join(root, 'broken', 'config.json'), '{"model":');
  await writeRunFiles(join(root, 'foreign'), [], { epochs: 'many' });
  await mkdir(join(root, 'odd', 'log.jsonl'), { recursive: true });
  await writeFile(join(root, 'odd', 'config.json'), '{"model":"m","dataset":"d","epochs":1}');
  await writeFile(join(root, '.DS_Store'), 'x');
  await symlink(join(root, 'nowhere'), join(root, 'dangling'));
  const { runs, skipped } = await readRuns(root);
  assert.deepEqual(
    runs.map(({ name }) => name),
    ['good'],
  );
  assert.equal(skipped.length, 4);
  for (const [index, message] of [
    /broken.*not JSON/,
    /empty.*no training run/,
    /foreign.*lacks/,
    /EISDIR/,
  ].entries()) {
    assert.match(skipped[index]!, message);
  }
  await assert.rejects(readRuns(join(root, 'nowhere')), UserError);
});

test('what becomes of a run is told by who writes it, not by how long it has been silent', async () => {
  const path = join(await temporaryFolder(), 'run');
  await writeRunFiles(path, epochLogs(2), { epochs: 3 });
  const run = new RunDirectory(path);
  const state = async () => summarize(await readRun(path)).state;
  assert.equal(await state(), 'stopped');
  await run.lock();
  assert.equal(await state(), 'live');
  const lock = join(path, 'run.lock');
  const owner = JSON.parse(await readFile(lock, 'utf8')) as Record<string, unknown>;
  await run.unlock();
  assert.equal(await state(), 'stopped');
  // What a killed process leaves: its number may be another's by now.
  await writeFile(lock, JSON.stringify({ ...owner, started: 'long ago' }));
  assert.equal(await state(), 'interrupted');
  // A process of another machine is heard of through its lock's time.
  await writeFile(lock, JSON.stringify({ ...owner, host: 'elsewhere' }));
  assert.equal(await state(), 'live');
  const silent = new Date(Date.now() - 10 * 60_000);
  await utimes(lock, silent, silent);
  assert.equal(await state(), 'interrupted');
  await rm(lock);
  await writeRunFiles(path, epochLogs(3), { epochs: 3 });
  assert.equal(await state(), 'finished');
  assert.match(listLines([summarize(await readRun(path))])[1]!, /^run +finished +resnet20 /);
});

test('runs of an ablation are listed by their folder and name', async () => {
  const root = await temporaryFolder();
  await writeRunFiles(join(root, 'single'), epochLogs(1));
  for (const name of ['base-seed1', 'both-seed1']) await writeRunFiles(join(root, 'abl', name), epochLogs(1));
  await writeFile(join(root, 'abl', 'command.txt'), 'npm run ablation');
  const { runs, skipped } = await readRuns(root);
  assert.deepEqual(
    [runs.map(({ name }) => name), skipped],
    [['abl/base-seed1', 'abl/both-seed1', 'single'], []],
  );
});

test('runs are sorted by result, time or name', async () => {
  const root = await temporaryFolder();
  await writeRunFiles(join(root, 'b'), epochLogs(1, 0.2));
  await writeRunFiles(join(root, 'c'), epochLogs(1, 0.3));
  await writeRunFiles(join(root, 'a'), []);
  const { runs } = await readRuns(root);
  const changed: Record<string, number> = { a: 2, b: 3, c: 1 };
  const timed = runs.map((run) => ({ ...run, changed: changed[run.name]! }));
  const order = (by: 'top1' | 'time' | 'name') =>
    sortedSummaries(timed, by)
      .map(({ name }) => name)
      .join('');
  assert.deepEqual([order('top1'), order('time'), order('name')], ['cba', 'bac', 'abc']);
});
