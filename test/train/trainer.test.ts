import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { makeSynthetic } from '../../core/data/synthetic.ts';
import { UserError } from '../../core/errors.ts';
import type { RunDirectory } from '../../core/runs/run-directory.ts';
import { loadCheckpoint, withWeights } from '../../core/weights/checkpoint.ts';
import { isComplete } from '../../train/ablation/planned-run.ts';
import { consoleObserver } from '../../train/console.ts';
import type { EpochLog, EpochReport } from '../../train/loop.ts';
import { readRun } from '../../train/runs/read-run.ts';
import { summarize } from '../../train/runs/summary.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { accuracyOf } from './support/direct-accuracy.ts';
import {
  BATCHES_PER_EPOCH,
  CONFIG,
  checkpointBytes,
  DATASET,
  initialModel,
  tinyRun,
  withRateAt,
} from './support/tiny-run.ts';

const folder = await temporaryFolder();
const whole = await tinyRun(folder, 'whole');
const wholeLast = await checkpointBytes(whole.run, 'last');

const LOG_KEYS = [
  'epoch',
  'learningRate',
  'trainLoss',
  'trainTop1',
  'testLoss',
  'testTop1',
  'testTop5',
  'imagesPerSecond',
  'trainSeconds',
  'testSeconds',
  'testImages',
];

/** A rate at which one step turns every weight into a number too large to go on with. */
const RUINOUS = 1e30;

describe('a finished run', () => {
  it('says so, and its directory holds config, log and both checkpoints', async () => {
    assert.equal(whole.result.finished, true);
    assert.deepEqual(await whole.run.readConfig(), { ...CONFIG });
    const entries = await whole.run.readLog();
    assert.deepEqual(
      entries.map((entry) => entry.epoch),
      [0, 1, 2],
    );
    for (const entry of entries) {
      assert.deepEqual(Object.keys(entry), LOG_KEYS);
      for (const key of LOG_KEYS) assert.ok(Number.isFinite(entry[key]), `${key} is ${entry[key]}`);
    }
    for (const which of ['last', 'best'] as const) assert.ok(existsSync(whole.run.checkpointPath(which)));
    const { progress } = await loadCheckpoint(whole.run.checkpointPath('last'));
    assert.deepEqual([progress.epoch, progress.batch], [CONFIG.epochs, 0]);
    assert.deepEqual(progress.best, whole.result.best);
  });

  it('has learned: the loss falls from epoch to epoch of a run without augmentation', async () => {
    const { run } = await tinyRun(folder, 'learning', {
      config: { crop: 0, flip: false, labelSmoothing: 0, epochs: 10 },
    });
    const losses = (await logOf(run)).map((entry) => entry.trainLoss);
    // From about ln 100, a guess among the classes; 64 images leave no doubt about the direction.
    assert.ok(losses.at(-1)! < 0.8 * losses[0]!, `train losses ${losses}`);
  });

  it('keeps the weights of the best epoch as best', async () => {
    const log = await logOf(whole.run);
    const best = log.reduce((a, b) =>
      b.testTop1 > a.testTop1 || (b.testTop1 === a.testTop1 && b.testLoss < a.testLoss) ? b : a,
    );
    const checkpoint = await loadCheckpoint(whole.run.checkpointPath('best'));
    assert.equal(checkpoint.progress.epoch, best.epoch + 1);
    assert.equal(checkpoint.progress.best?.loss, best.testLoss);
    const accuracy = await accuracyOf(withWeights(initialModel(), checkpoint.tensors, 'best'), DATASET);
    assert.deepEqual([accuracy.top1, accuracy.top5], [best.testTop1, best.testTop5]);
    assert.ok(Math.abs(accuracy.loss - best.testLoss) < 1e-5 * best.testLoss);
  });

  it('logs the test figures of the weights it saves, batch norm folded or not', async () => {
    const { tensors } = await loadCheckpoint(whole.run.checkpointPath('last'));
    const last = (await logOf(whole.run)).at(-1)!;
    const trained = withWeights(initialModel(), tensors, 'last');
    for (const fold of [true, false]) {
      const accuracy = await accuracyOf(trained, DATASET, fold);
      assert.deepEqual([accuracy.top1, accuracy.top5], [last.testTop1, last.testTop5]);
      assert.ok(Math.abs(accuracy.loss - last.testLoss) < 1e-5 * last.testLoss, `${accuracy.loss}`);
    }
  });
});

describe('class weights', () => {
  it('decide what is learned: with those of one class alone, all is taken for it; balanced is as its numbers', async () => {
    const only = DATASET.labels[3]!;
    const weights = Object.fromEntries(DATASET.labels.map((label) => [label, label === only ? 1 : 0]));
    const config = { epochs: 2, learningRate: 0.2, classWeights: weights };
    const { run } = await tinyRun(folder, 'one class', { config });
    const { tensors } = await loadCheckpoint(run.checkpointPath('last'));
    const bias = [...tensors.get('fc.bias')!.data];
    assert.equal(bias.indexOf(Math.max(...bias)), 3);

    const counts = DATASET.labels.map(
      (_, label) => DATASET.train.labels.filter((own) => own === label).length,
    );
    const present = counts.filter((count) => count > 0).length;
    const numbers = counts.map((count) => (count === 0 ? 1 : DATASET.train.count / (present * count)));
    const [balanced, told] = await Promise.all(
      (['balanced', numbers] as const).map(async (classWeights, i) => {
        const { run } = await tinyRun(folder, `balanced ${i}`, {
          config: { epochs: 1, classWeights: classWeights as number[] },
        });
        return checkpointBytes(run, 'last');
      }),
    );
    assert.deepEqual(balanced, told);
  });
});

describe('the same run again', () => {
  it('gives the same bits, with more loader threads and an estimate as well', async () => {
    const estimates: number[] = [];
    const { run } = await tinyRun(folder, 'again', {
      workers: 2,
      observer: { onEstimate: (...numbers) => estimates.push(...numbers) },
    });
    assert.deepEqual(await checkpointBytes(run, 'last'), wholeLast);
    assert.deepEqual(await checkpointBytes(run, 'best'), await checkpointBytes(whole.run, 'best'));
    assert.equal(estimates.length, 2);
    for (const number of estimates) assert.ok(number > 0 && Number.isFinite(number));
  });

  it('is estimated with its evaluations, the test of the best epoch too', async () => {
    const estimate = async (count: number) => {
      let told = Number.NaN;
      const test = { count, images: new Uint8Array(count * 3072), labels: new Uint16Array(count) };
      await tinyRun(folder, `estimated ${count}`, {
        dataset: { ...DATASET, validation: DATASET.test, test },
        shouldStop: () => Number.isFinite(told),
        observer: {
          onEstimate: (seconds) => {
            told = seconds;
          },
        },
      });
      return told;
    };
    const [few, many] = [await estimate(40), await estimate(20_000)];
    assert.ok(many > 2 * few, `${few} ${many}`);
  });

  it('with another seed takes the images in another order', async () => {
    const { run } = await tinyRun(folder, 'seed', { config: { seed: 8, crop: 0, flip: false, epochs: 1 } });
    const { run: other } = await tinyRun(folder, 'seed2', {
      config: { seed: 9, crop: 0, flip: false, epochs: 1 },
    });
    assert.notDeepEqual(await checkpointBytes(run, 'last'), await checkpointBytes(other, 'last'));
  });
});

describe('an interrupted run', () => {
  for (const [when, stopAfter, resumedAt] of [
    ['in the middle of an epoch', BATCHES_PER_EPOCH + 2, { epoch: 1, batch: 2 }],
    ['before the evaluation of an epoch', BATCHES_PER_EPOCH, { epoch: 0, batch: BATCHES_PER_EPOCH }],
    ['in the first epoch', 1, { epoch: 0, batch: 1 }],
  ] as const) {
    it(`${when} is saved, and resuming it gives the bits of a run that was not`, async () => {
      const name = `stopped-${stopAfter}`;
      const { result, run } = await tinyRun(folder, name, { stopAfter });
      assert.equal(result.finished, false);
      const { progress } = await loadCheckpoint(run.checkpointPath('last'));
      assert.deepEqual({ epoch: progress.epoch, batch: progress.batch }, resumedAt);
      // The weights it starts from must not matter, nor must a log line of an epoch that is done again.
      await run.log({ epoch: resumedAt.epoch, trainLoss: 0 });
      const starts: number[][] = [];
      const resumed = await tinyRun(folder, name, {
        resume: true,
        weightSeed: 2,
        observer: {
          onEstimate: () => {},
          onEpochStart: (epoch, _, batch) => void starts.push([epoch, batch]),
        },
      });
      assert.equal(resumed.result.finished, true);
      assert.deepEqual(starts[0], [resumedAt.epoch, resumedAt.batch]);
      assert.deepEqual(await checkpointBytes(run, 'last'), wholeLast);
      assert.deepEqual(resumed.result.best, whole.result.best);
      const [log, expected] = [await logOf(run), await logOf(whole.run)];
      const tested = ({ epoch, learningRate, testLoss, testTop1 }: EpochLog) => [
        epoch,
        learningRate,
        testLoss,
        testTop1,
      ];
      assert.deepEqual(log.map(tested), expected.map(tested));
      // Of an epoch that is trained nothing is lost.
      if (resumedAt.batch === BATCHES_PER_EPOCH)
        assert.deepEqual(
          log.map(({ trainLoss, trainTop1 }) => [trainLoss, trainTop1]),
          expected.map(({ trainLoss, trainTop1 }) => [trainLoss, trainTop1]),
        );
    });
  }

  it('within an evaluation, or before the last, says what is not evaluated and goes on with that', async () => {
    const { test: many } = makeSynthetic({ train: 1, test: 120 });
    const dataset = { ...DATASET, validation: many };
    let isTime = false;
    const shouldStop = () => isTime;
    const begin = await tinyRun(folder, 'evaluating', {
      ...{ dataset, shouldStop },
      observer: {
        onEvaluate: () => {
          isTime = true;
        },
      },
    });
    assert.deepEqual(begin.result, { finished: false, unevaluated: 'validation' });
    const { run } = begin;
    const at = async () => (await loadCheckpoint(run.checkpointPath('last'))).progress;
    assert.deepEqual([(await at()).epoch, (await at()).batch], [0, BATCHES_PER_EPOCH]);
    assert.equal((await run.readLog()).length, 0);

    isTime = false;
    const observer = {
      onEpochEnd: ({ entry }: EpochReport) => {
        isTime = entry.epoch === 2;
      },
    };
    const untested = await tinyRun(folder, 'evaluating', { dataset, shouldStop, resume: true, observer });
    const { finished, unevaluated, best, test } = untested.result;
    assert.deepEqual([finished, unevaluated, best?.images, test], [false, 'test', 120, undefined]);
    assert.equal((await at()).soFar, undefined);
    const last = await tinyRun(folder, 'evaluating', { dataset, resume: true });
    assert.deepEqual([last.result.finished, last.result.test?.images], [true, 40]);
    assert.deepEqual(await checkpointBytes(run, 'last'), wholeLast);
    const losses = (log: EpochLog[]) => log.map(({ trainLoss }) => trainLoss);
    assert.deepEqual(losses(await logOf(run)), losses(await logOf(whole.run)));
  });

  it('before its first step can be resumed', async () => {
    const { result } = await tinyRun(folder, 'early', { stopAfter: 0 });
    assert.equal(result.finished, false);
    const { run } = await tinyRun(folder, 'early', { resume: true });
    assert.deepEqual(await checkpointBytes(run, 'last'), wholeLast);
  });

  it('by its time limit is saved too', async () => {
    const { run, result } = await tinyRun(folder, 'limited', { maxSeconds: 0 });
    assert.equal(result.finished, false);
    assert.equal((await loadCheckpoint(run.checkpointPath('last'))).progress.epoch, 0);
  });
});

it('a run whose patience is at an end is finished, and stays so', async () => {
  // Nothing is learnt, and so nothing is better than the first epoch.
  const config = { learningRate: 0, momentum: 0, patience: 1, epochs: 5, schedule: 'constant' } as const;
  const { result, run } = await tinyRun(folder, 'patient', { config });
  const epochs = (await run.readLog()).length;
  assert.ok(result.finished && result.stoppedEarly && epochs < 5, `${epochs} epochs`);
  assert.equal(summarize(await readRun(run.path)).state, 'finished');
  const again = await tinyRun(folder, 'patient', { config, resume: true });
  assert.deepEqual(again.result, result);
  assert.equal((await run.readLog()).length, epochs);
});

it('a run that is evaluated every few epochs has the weights of one that always is, and its last is measured', async () => {
  const config = { evaluateEvery: 2 };
  assert.equal(CONFIG.epochs, 3);
  const lines: string[] = [];
  const said = consoleObserver(CONFIG, DATASET, (line) => lines.push(line));
  const { result, run } = await tinyRun(folder, 'seldom', { config, observer: said });
  const log = (await run.readLog()) as (Record<keyof EpochLog, number | null> & { epoch: number })[];
  assert.deepEqual(
    log.map(({ testTop1, testImages }) => [typeof testTop1, testImages]),
    [
      ['object', undefined],
      ['number', DATASET.test.count],
      ['number', DATASET.test.count],
    ],
  );
  assert.match(
    lines.filter((line) => line.startsWith('epoch 1:')).join(),
    /^epoch 1: train loss [\d.]+, \d+ img\/s$/,
  );
  assert.match(lines.filter((line) => line.startsWith('epoch 2:')).join(), /top-1/);
  assert.ok(result.finished && result.best);
  const weights = async (path: string) => (await loadCheckpoint(path)).tensors;
  assert.deepEqual(
    await weights(run.checkpointPath('last')),
    await weights(whole.run.checkpointPath('last')),
  );
  const record = await readRun(run.path);
  assert.ok(isComplete(record), 'as an ablation asks');
  assert.ok(!isComplete({ ...record, config: { ...record.config, evaluateEvery: 1 } }));
  assert.ok(!isComplete({ ...record, epochs: record.epochs.slice(0, 2) }));
});

it('resuming a finished run leaves it as it is', async () => {
  const resumed = await tinyRun(folder, 'whole', { resume: true });
  assert.deepEqual(resumed.result, whole.result);
  assert.deepEqual(await checkpointBytes(whole.run, 'last'), wholeLast);
  assert.equal((await whole.run.readLog()).length, CONFIG.epochs);
});

describe('a loss that is not a number', () => {
  it('ends the run with advice; the last good checkpoint can be read and resumed', async () => {
    const ruined = tinyRun(folder, 'ruined', {
      wrap: (engine) => withRateAt(engine, BATCHES_PER_EPOCH + 1, RUINOUS),
    });
    await assert.rejects(ruined, (error: unknown) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, /^the loss became (NaN|Infinity) in epoch 2; lower --lr/);
      return true;
    });
    const { run } = await tinyRun(folder, 'ruined', { resume: true, stopAfter: 0 });
    const { tensors, progress } = await loadCheckpoint(run.checkpointPath('last'));
    assert.equal(progress.epoch, 1);
    for (const [name, { data }] of tensors) assert.ok(data.every(Number.isFinite), name);
    const resumed = await tinyRun(folder, 'ruined', { resume: true });
    assert.equal(resumed.result.finished, true);
    assert.deepEqual(await checkpointBytes(run, 'last'), wholeLast);
  });

  it('is not saved either where the last step of an epoch ruins the weights', async () => {
    const ruined = tinyRun(folder, 'ruined-late', {
      wrap: (engine) => withRateAt(engine, 2 * BATCHES_PER_EPOCH, RUINOUS),
    });
    await assert.rejects(ruined, UserError);
    const resumed = await tinyRun(folder, 'ruined-late', { resume: true });
    assert.equal(resumed.result.finished, true);
    assert.deepEqual(await checkpointBytes(resumed.run, 'last'), wholeLast);
  });
});

async function logOf(run: RunDirectory): Promise<EpochLog[]> {
  return (await run.readLog()) as unknown as EpochLog[];
}
