import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { MODEL_NAMES } from '../../core/models/zoo.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { loadCheckpoint } from '../../core/weights/checkpoint.ts';
import { command } from '../commands/command.ts';
import { writeColors } from '../data/image-folder.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';

const folder = await temporaryFolder();
/** Three classes, 48 images to train on and 12 to test on: the synthetic dataset takes a second to draw. */
const DATA = join(folder, 'data');
await writeColors(DATA, 16, 4);
const WRONG_RECIPE = join(folder, 'wrong.json');
await writeFile(WRONG_RECIPE, '{"lr": 1}');
const SMALL = ['--data', DATA, '--model', 'resnet8', '--batch-size', '16'];

interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** The command as a child process. `onOutput` sees all of stdout so far, whenever there is more. */
function run(
  args: readonly string[],
  onOutput?: (stdout: string, child: ChildProcess) => void,
): Promise<Finished> {
  // A dataset of the machine's must not be picked up.
  const { CIFAR100_DIR: _, ...env } = process.env;
  const child = spawn(process.execPath, command('train', ...args), { cwd: folder, env });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => {
    stdout += data;
    onOutput?.(stdout, child);
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

describe('a mistake is one line on stderr and exit code 1', () => {
  const fresh = join(folder, 'fresh');
  const cases: [what: string, args: string[], message: RegExp][] = [
    ['an unknown model', ['--model', 'resnet21'], /--model is .*resnet8.*, not "resnet21"/],
    ['an unknown option', ['--learning-rate', '0.1'], /--learning-rate/],
    [
      'more training images than there are',
      [...SMALL, '--train-images', '20000', '--run', fresh],
      /--train-images 20000 is more than the 48 training images of folder/,
    ],
    ['resuming a directory without a run', ['--resume', folder], /holds no training run/],
    [
      'a teacher of other classes',
      [...SMALL, '--teacher', 'resnet14t', '--run', fresh],
      /--teacher resnet14t (does not know|takes images of|has 100 classes)/,
    ],
    ['a recipe that is not there', ['gone.ts'], /^error: there is no recipe gone\.ts$/m],
    [
      'a recipe with a key that there is not',
      [WRONG_RECIPE, '--run', fresh],
      /wrong\.json: there is no setting "lr"; it is learningRate here$/m,
    ],
    ['a recipe beside a preset', ['a.ts', '--preset', 'fast'], /one recipe at a time/],
  ];
  for (const [what, args, message] of cases) it(what, async () => refused(await run(args), message));

  it('and leaves no run behind', () => assert.equal(existsSync(fresh), false));

  const late: [what: string, args: string[], message: RegExp][] = [
    ['fewer images than a batch', ['--train-images', '10'], /10 training images do not fill a batch of 16/],
    [
      'a batch that replicas cannot share',
      ['--replicas', '3'],
      /batch of 16 cannot be shared out .*3 replicas/,
    ],
  ];
  for (const [index, [what, args, message]] of late.entries()) {
    it(`${what}, after which the corrected command runs`, async () => {
      const path = join(folder, `late-${index}`);
      refused(await run([...SMALL, ...args, '--run', path]), message);
      assert.equal(existsSync(join(path, 'config.json')), false);
    });
  }

  it('a run directory whose config is not one', async () => {
    await writeFile(join(folder, 'config.json'), '{"model": "resnet8"}\n');
    refused(await run(['--resume', folder]), /config\.json lacks .*; it is not a training config/);
  });
});

it("trains by a recipe of one's own, whose settings the command line may change", async () => {
  const recipe = join(folder, 'mine.ts');
  await writeFile(
    recipe,
    'export default { model: "resnet8", batchSize: 16, optimizer: "adamw", crop: 2, seed: 9, epochs: 7, workers: 2 };\n',
  );
  const path = join(folder, 'by-recipe');
  const { code, stderr } = await run([recipe, '--data', DATA, '--epochs', '1', '--no-flip', '--run', path]);
  assert.equal(code, 0, stderr);
  const config = await RunDirectory.open(path).readConfig();
  const { model, batchSize, optimizer, crop, seed, epochs, flip, learningRate, weightDecay } = config;
  assert.deepEqual(
    { model, batchSize, optimizer, crop, seed, epochs, flip, learningRate, weightDecay },
    {
      ...{ model: 'resnet8', batchSize: 16, optimizer: 'adamw', crop: 2, seed: 9, epochs: 1, flip: false },
      ...{ learningRate: 0.001, weightDecay: 0.01 },
    },
  );
  assert.ok(!('workers' in config));
  refused(await run([recipe, '--resume', path]), /mine\.ts cannot be given on --resume/);
  await writeFile(join(path, 'config.json'), JSON.stringify({ ...config, optimizer: 'rmsprop' }));
  refused(await run(['--resume', path]), /config\.json: optimizer is sgd, adam, adamw, not "rmsprop"/);
});

describe('a run that is interrupted', () => {
  const path = join(folder, 'run');
  const options = ['--epochs', '5', '--threads', '1', '--run', path];
  let interrupted = false;

  it('says what it will do and how long it takes; saves at SIGINT and exits with code 130', async () => {
    const { code, stdout, stderr } = await run([...SMALL, ...options], (seen, child) => {
      // The estimate is the last thing said before the first epoch.
      if (!interrupted && /^about .*$/m.test(seen)) {
        interrupted = true;
        child.kill('SIGINT');
      }
    });
    assert.equal(code, 130, stderr);
    assert.ok(stdout.startsWith(`data: dataset folder from ${DATA} (--data), `), stdout);
    assert.ok(stdout.includes(`run: ${path}\n`), stdout);
    assert.match(
      stdout,
      /^resnet8: [\d,]+ parameters; 5 epochs of 48 images, batch 16, sgd lr 0\.1 .*seed 42/m,
    );
    assert.match(stdout, /^about .+ at [1-9]\d* images\/s/m);
    assert.match(stdout, /^stopped after .*--resume/m);
    assert.ok(stdout.includes(`--resume ${path}\n`), stdout);
    const { progress } = await loadCheckpoint(RunDirectory.open(path).checkpointPath('last'));
    assert.equal(progress.epoch, 0);
    assert.ok(progress.batch < 3);
  });

  it('is not overwritten by another', async () => {
    refused(await run([...SMALL, '--run', path]), /already holds a run; continue it with --resume/);
  });

  it('is not resumed with changed options', async () => {
    refused(
      await run(['--resume', path, '--lr', '0.2', '--batch-size', '32']),
      /--batch-size, --lr cannot be changed on --resume|--lr, --batch-size cannot be changed on --resume/,
    );
  });

  it('goes on to the end with --resume', async () => {
    const { code, stdout, stderr } = await run(['--resume', path, '--data', DATA, '--threads', '1']);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^epoch 5\/5 {2}100% {2}48\/48 img .* {2}loss \d+\.\d{3}$/m);
    // Three classes: there is no top-5 to tell.
    assert.match(stdout, /^epoch 1: train loss \d+\.\d+, test loss \d+\.\d+, top-1 \d+\.\d\d %, \d+/m);
    assert.match(stdout, /^finished in /m);
    assert.match(stdout, /^best: .* on 12 test images$/m);
    const directory = RunDirectory.open(path);
    assert.equal((await directory.readLog()).length, 5);
    const text = await readFile(join(path, 'train.log'), 'utf8');
    assert.match(text, /^\d{4}-\d\d-\d\dT\S+Z data: /);
    for (const line of [
      /Z stopped after /,
      /Z resnet8: .*5 epochs/,
      /Z epoch 5: train loss /,
      /Z finished in /,
    ])
      assert.match(text, line);
    const { progress } = await loadCheckpoint(directory.checkpointPath('last'));
    assert.deepEqual([progress.epoch, progress.batch], [5, 0]);
    const best = await loadCheckpoint(directory.checkpointPath('best'));
    const log = await directory.readLog();
    const epoch = log.findIndex(({ testLoss }) => testLoss === progress.best!.loss) + 1;
    assert.ok(epoch > 0);
    assert.deepEqual([best.progress.epoch, best.progress.batch], [epoch, 0]);
  });
});

it('without a model it says which it chose, and --max-minutes stops and saves with exit code 0', async () => {
  const path = join(folder, 'chosen');
  const args = ['--dataset', 'synthetic', '--batch-size', '8', '--max-minutes', '0', '--run', path];
  const { code, stdout, stderr } = await run(args);
  assert.equal(code, 0, stderr);
  const chosen = /^chose (\S+) for \d+ CPU cores/m.exec(stdout)?.[1] ?? '';
  assert.ok(MODEL_NAMES.includes(chosen), stdout);
  const directory = RunDirectory.open(path);
  assert.equal((await directory.readConfig()).model, chosen);
  assert.match(stdout, /^stopped after \S+ \(--max-minutes 0, in which the engine was opened as well\)/m);
  assert.ok(existsSync(directory.checkpointPath('last')));
});

it('says beforehand what larger images cost, and how small data is shared into batches', async () => {
  const args = ['--data', DATA, '--model', 'resnet8', '--image-size', '64', '--max-minutes', '0'];
  const { code, stdout, stderr } = await run([...args, '--run', join(folder, 'large')]);
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^images of 64 x 64 pixels: 50 million multiply-adds each on this net, 4\.0 times those of 32 x 32; 1\.2 billion a step$/m,
  );
  assert.match(stdout, /^48 training images do not fill a batch of 128; training in batches of 8 /m);
  assert.doesNotMatch(stdout, /^about /m);
  assert.match(stdout, /^stopped after /m);
});

it('a loss that is not a number is a mistake like any other', async () => {
  const args = [...SMALL, '--lr', '1e30', '--run', join(folder, 'diverged')];
  refused(await run(args), /^error: the loss became .* in epoch 1; lower --lr/m);
});

/** A mistake of the user's: code 1, one line that says so, no stack. */
function refused({ code, stderr }: Finished, message: RegExp): void {
  // Where the images were read before it, a line tells of that.
  assert.match(stderr, /^(decode .*\n)?error: [^\n]+\n$/);
  assert.match(stderr, message);
  assert.equal(code, 1);
}
