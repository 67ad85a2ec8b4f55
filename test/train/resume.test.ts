import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { loadCheckpoint } from '../../core/weights/checkpoint.ts';
import { withEpochs } from '../../train/plan-run.ts';
import type { TrainConfig } from '../../train/recipe/settings.ts';
import { command } from '../commands/command.ts';
import { writeColors } from '../data/image-folder.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { checkPlain } from '../data/user-error.ts';
import { CONFIG, checkpointBytes } from './support/tiny-run.ts';

const folder = await temporaryFolder();
const images = join(folder, 'images');
const first = join(folder, 'first');
let lastOfFirst: Map<string, string>;
const RECIPE = [
  ...['--data', images, '--image-size', '16', '--model', 'resnet8', '--batch-size', '8', '--crop', '2'],
  ...['--threads', '1', '--replicas', '1', '--epochs', '1', '--schedule', 'constant', '--lr', '0.01'],
];

interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

function train(...args: string[]): Promise<Finished> {
  return trainWith([], ...args);
}

/** @param node options of Node's own */
function trainWith(node: string[], ...args: string[]): Promise<Finished> {
  const { CIFAR100_DIR: _, ...env } = process.env;
  const all = [...node, ...command('train', ...args)];
  const child = spawn(process.execPath, all, { env });
  const done: Finished = { code: null, stdout: '', stderr: '' };
  child.stdout.on('data', (data) => (done.stdout += data));
  child.stderr.on('data', (data) => (done.stderr += data));
  return new Promise((resolve) => child.on('close', (code) => resolve({ ...done, code })));
}

function refused({ code, stderr }: Finished, message: RegExp): void {
  // A bar of progress may come before it.
  assert.match(stderr, /(^|\n)error: [^\n]+\n$/);
  assert.doesNotMatch(stderr, /\n {4}at /);
  assert.match(stderr, message);
  assert.equal(code, 1);
}

/** Where a run says that its data is. */
async function dataOf(path: string): Promise<string> {
  const { data } = await new RunDirectory(path).readConfig();
  return (data as { path: string }).path;
}

before(async () => {
  await writeColors(images, 8, 4);
  const { code, stderr } = await train(...RECIPE, '--run', first);
  assert.equal(code, 0, stderr);
  lastOfFirst = await checkpointBytes(new RunDirectory(first), 'last');
});

describe('a run that goes on', () => {
  it('has let go of its lock, and keeps where its data was', async () => {
    assert.ok(!(await readdir(first)).some((name) => /lock|tmp$/.test(name)), `${await readdir(first)}`);
    assert.equal(await dataOf(first), images);
  });

  it('is refused while another process trains it', async () => {
    const run = new RunDirectory(first);
    await run.lock();
    try {
      refused(await train('--resume', first), new RegExp(`first is being trained by process ${process.pid}`));
    } finally {
      await run.unlock();
    }
  });

  it('is refused on data whose labels have changed places', async () => {
    const [red, blue, aside] = ['red', 'blue', 'aside'].map((name) => join(images, 'train', name)) as [
      string,
      string,
      string,
    ];
    const swap = async () => {
      await rename(red, aside);
      await rename(blue, red);
      await rename(aside, blue);
    };
    await swap();
    try {
      // The images come in turns of the classes, so they have changed places too; the test images have not.
      refused(
        await train('--resume', first, '--epochs', '2'),
        /not the data the run was begun on: its images of the train split are others/,
      );
    } finally {
      await swap();
    }
  });

  it('says so where its data is not there any more', async () => {
    await rename(images, `${images}-moved`);
    try {
      refused(
        await train('--resume', first, '--epochs', '2'),
        /the run was in .*images, which is not there any more; .*--data DIR/,
      );
      // Said once, it is known from then on.
      const { code, stdout, stderr } = await train('--resume', first, '--data', `${images}-moved`);
      assert.equal(code, 0, stderr);
      assert.match(
        stdout,
        /^\S+first was finished before; for more epochs: npm run train -- --resume \S+first --epochs 2$/m,
      );
      assert.equal(await dataOf(first), `${images}-moved`);
    } finally {
      await rename(`${images}-moved`, images);
    }
  });

  it('says at once that it is finished, without its data, and what its weights can do', async () => {
    const run = new RunDirectory(first);
    const config = await run.readConfig();
    const changed: [Record<string, unknown>, RegExp][] = [
      [{}, /^\S+first was finished before; for more epochs: npm run train -- --resume \S+first --epochs 2$/],
      [
        { schedule: 'cosine' },
        /finished before; to train its weights further, .*npm run train -- --from \S+first$/,
      ],
    ];
    const last = await readFile(run.checkpointPath('last'));
    await rename(images, `${images}-aside`);
    try {
      for (const [change, told] of changed) {
        await run.writeConfig({ ...config, ...change });
        const { code, stdout, stderr } = await train('--resume', first);
        assert.deepEqual([code, stderr], [0, '']);
        const [line, best, hint, ...rest] = stdout.split('\n');
        assert.match(line!, told);
        assert.match(best!, /^best: \d+\.\d\d % top-1 on 12 test images$/);
        assert.match(hint!, /^export it with /);
        assert.deepEqual(rest, ['']);
      }
      assert.deepEqual(await readFile(run.checkpointPath('last')), last);
    } finally {
      await run.writeConfig(config);
      await rename(`${images}-aside`, images);
    }
  });

  it('gets more epochs where its schedule allows, from the checkpoint before a damaged one', async () => {
    const run = new RunDirectory(first);
    const path = run.checkpointPath('last');
    const bytes = await readFile(path);
    bytes[bytes.length - 100]! ^= 1;
    await writeFile(path, bytes);
    const { code, stdout, stderr } = await train(
      ...['--resume', first, '--data', images, '--epochs', '2', '--threads', '1'],
    );
    assert.equal(code, 0, stderr);
    assert.equal(await dataOf(first), images);
    assert.match(stdout, /last\.safetensors is damaged: .*SHA-256.*; going on from the checkpoint before it/);
    assert.match(stdout, /^epoch 2: /m);
    assert.equal((await run.readConfig()).epochs, 2);
    assert.equal((await loadCheckpoint(path)).progress.epoch, 2);
    const log = await run.readLog();
    assert.deepEqual(
      log.map(({ epoch }) => epoch),
      [0, 1],
    );
    // The damaged one is no other's place.
    assert.deepEqual(await readFile(join(first, 'damaged.safetensors')), bytes);
    assert.equal((await loadCheckpoint(run.checkpointPath('previous'))).progress.epoch, 1);
    refused(await train('--resume', first, '--epochs', '1'), /--epochs 1 is fewer than the 2 of the run/);
  });
});

describe('a run that was killed before its first checkpoint', () => {
  const killed = join(folder, 'killed');
  /** All that such a run leaves. */
  const leave = async () => {
    await rm(killed, { recursive: true, force: true });
    await mkdir(killed);
    const config = { ...(await new RunDirectory(first).readConfig()), epochs: 1 };
    await writeFile(join(killed, 'config.json'), JSON.stringify(config));
    await writeFile(join(killed, 'last.safetensors.4194305-00c0ffee.tmp'), 'half');
  };

  it('is begun anew by --resume, as if nothing had happened', async () => {
    await leave();
    const { code, stdout, stderr } = await train('--resume', killed, '--threads', '1');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /was ended before its first checkpoint; it begins anew/);
    assert.deepEqual(await checkpointBytes(new RunDirectory(killed), 'last'), lastOfFirst);
    assert.ok(!(await readdir(killed)).some((name) => name.endsWith('.tmp')));
  });

  it('and by the same command', async () => {
    await leave();
    const { code, stderr } = await train(...RECIPE, '--run', killed, '--max-minutes', '0');
    assert.equal(code, 0, stderr);
    assert.ok(existsSync(join(killed, 'last.safetensors')));
  });
});

it('a full disk ends a run with one line that says how it goes on', async () => {
  const run = join(folder, 'full');
  // The first line of the log does not find room any more.
  const noRoom = `import fs from 'node:fs/promises'; import { syncBuiltinESMExports } from 'node:module';
    fs.appendFile = async () => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
    };
    syncBuiltinESMExports();`;
  const preload = join(folder, 'no-room.mjs');
  await writeFile(preload, noRoom);
  refused(
    await trainWith([`--import=${pathToFileURL(preload)}`], ...RECIPE, '--run', run),
    /error: cannot write .*log\.jsonl: the disk is full; .*then continue with npm run train -- --resume .*full\n/,
  );
  assert.ok(!(await readdir(run)).some((name) => /lock|tmp$/.test(name)), `${await readdir(run)}`);
});

it('more epochs are refused where those done would have been others', () => {
  const config = (change: Partial<TrainConfig>): TrainConfig => ({ ...CONFIG, epochs: 10, ...change });
  for (const schedule of ['onecycle', 'cosine'] as const) {
    assert.throws(
      () => withEpochs(config({ schedule }), 20),
      (error) =>
        checkPlain(
          error,
          new RegExp(
            `--schedule ${schedule} spreads .*; a new run that begins with its weights goes on: npm run train -- --from RUN`,
          ),
        ),
    );
  }
  const progressive = [{ size: 16, until: 0.5 }];
  assert.throws(
    () => withEpochs(config({ schedule: 'constant', progressive }), 20),
    (error) => checkPlain(error, /image sizes are shares of all 10 epochs/),
  );
  assert.throws(
    () => withEpochs(config({ schedule: 'constant', plainEpochs: 2 }), 20),
    (error) => checkPlain(error, /its last 2 of 10 epochs are plain/),
  );
  const steps = config({ schedule: 'multistep', milestones: [3, 15] });
  assert.deepEqual(withEpochs(steps, 20), { ...steps, epochs: 20 });
  assert.equal(withEpochs(steps, 10), steps);
});

after(() => rm(folder, { recursive: true, force: true }));
