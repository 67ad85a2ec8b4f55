import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { loadCheckpoint } from '../../core/weights/checkpoint.ts';
import { type Output, runProgram } from '../../setup/programs.ts';
import { command } from '../commands/command.ts';
import { writeColors } from '../data/image-folder.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { relativeError64 } from '../train/support/check-gradients.ts';
import { tinyRun } from '../train/support/tiny-run.ts';
import { SKIP_WITHOUT_TENSORFLOW as skip } from './support/tensorflow.ts';

const folder = await temporaryFolder();
const DATA = join(folder, 'data');
await writeColors(DATA, 16, 4);
const TINY = ['--data', DATA, ...'--model resnet8 --batch-size 16 --lr 0.01 --replicas 1'.split(' ')];

/** The command, on no dataset of the machine's. */
function train(...args: string[]): Promise<Output> {
  const { CIFAR100_DIR: _, ...env } = process.env;
  return runProgram(process.execPath, command('train', ...args), { env });
}

describe('npm run train --engine tfjs', () => {
  const fresh = join(folder, 'fresh');
  const mistakes: [args: string[], message: RegExp][] = [
    [['--engine', 'torch'], /^error: --engine is ort, tfjs, not "torch"/],
    [
      [...TINY, '--engine', 'tfjs', '--replicas', '2', '--run', fresh],
      /^error: --replicas is for --engine ort; tfjs has one device/m,
    ],
  ];
  for (const [args, message] of mistakes) {
    it(`refuses ${args.slice(-6).join(' ')}`, async () => {
      const { status, stderr } = await train(...args);
      assert.match(stderr, /^(decode .*\n)?error: [^\n]+\n$/);
      assert.match(stderr, message);
      assert.equal(status, 1);
      assert.ok(!existsSync(fresh));
    });
  }

  it('trains as ort does, and either goes on with what the other began', { skip }, async () => {
    const logs = new Map<string, Record<string, unknown>>();
    for (const [begun, resumed] of [
      ['ort', 'tfjs'],
      ['tfjs', 'ort'],
    ] as const) {
      const path = join(folder, begun);
      // Without time to train: what resumes it trains the one epoch.
      const began = await train(
        ...TINY,
        '--epochs',
        '1',
        '--engine',
        begun,
        '--max-minutes',
        '0',
        '--run',
        path,
      );
      assert.equal(began.status, 0, began.stderr);
      assert.match(began.stdout, /^stopped after /m);
      const went = await train('--resume', path, '--data', DATA, '--engine', resumed);
      assert.equal(went.status, 0, went.stderr);
      assert.equal(/; TensorFlow\.js$/m.test(went.stdout), resumed === 'tfjs', went.stdout);
      assert.match(went.stdout, /^best: .* on 12 test images$/m);
      const run = RunDirectory.open(path);
      assert.equal((await run.readConfig()).engine, begun);
      logs.set(resumed, (await run.readLog())[0]!);
    }
    for (const figure of ['trainLoss', 'testLoss']) {
      const [ort, tfjs] = [Number(logs.get('ort')![figure]), Number(logs.get('tfjs')![figure])];
      assert.ok(Math.abs(tfjs - ort) < 1e-3 * ort, `${figure}: ort ${ort}, tfjs ${tfjs}`);
    }
  });
});

describe('a run that was stopped in an epoch', { skip }, () => {
  // Every slot there is, all of which the checkpoint must bring over.
  const config = { epochs: 1, optimizer: 'adamw', emaDecay: 0.9, learningRate: 1e-4 } as const;
  const STOP_AFTER = 2;

  it('ends with the other engine where it ends with its own', async () => {
    const weights = new Map<string, Map<string, Float32Array>>();
    for (const first of ['ort', 'tfjs'] as const) {
      for (const second of ['ort', 'tfjs'] as const) {
        const name = `${first}-${second}`;
        const begun = { config: { ...config, engine: first }, stopAfter: STOP_AFTER };
        const { result } = await tinyRun(folder, name, begun);
        assert.equal(result.finished, false);
        const { run } = await tinyRun(folder, name, { config: { ...config, engine: second }, resume: true });
        const { tensors } = await loadCheckpoint(run.checkpointPath('last'));
        weights.set(
          name,
          new Map([...tensors].map(([tensor, { data }]) => [tensor, Float32Array.from(data)])),
        );
      }
    }
    const expected = weights.get('ort-ort')!;
    assert.ok([...expected.keys()].some((tensor) => tensor.startsWith('optimizer.exp_avg_sq.')));
    for (const [name, tensors] of weights) {
      assert.deepEqual([...tensors.keys()].sort(), [...expected.keys()].sort());
      const all = (of: Map<string, Float32Array>) =>
        [...expected.keys()]
          .filter((key) => !key.startsWith('optimizer.'))
          .flatMap((key) => [...of.get(key)!]);
      const error = relativeError64(all(tensors), all(expected));
      assert.ok(error < 1e-3, `${name}: ${error}`);
    }
  });
});
