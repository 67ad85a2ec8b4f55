import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { makeSynthetic } from '../../core/data/synthetic.ts';
import { RunDirectory } from '../../core/runs/run-directory.ts';
import { exportModel, loadDataset, type TrainOptions, train, UserError } from '../../index.ts';
import { writeColors } from '../data/image-folder.ts';
import { temporaryFolder } from '../serve/support/test-model.ts';
import { checkpointBytes } from '../train/support/tiny-run.ts';

describe('training from code', () => {
  const dataset = makeSynthetic({ train: 64, test: 20 });
  let folder: string;
  before(async () => {
    folder = await temporaryFolder();
  });

  it('keeps the settings as the command line does', async () => {
    const run = join(folder, 'run');
    const losses: number[] = [];
    const epochs: number[] = [];
    const trained = await train({
      ...{ dataset, run, model: 'resnet8', epochs: 2, batchSize: 32, trainImages: 64, seed: 5 },
      ...{ optimizer: 'adamw', learningRate: 0.002, emaDecay: 0.5, schedule: 'multistep', milestones: [1] },
      ...{ flip: false, cutmixProb: 0.5, cutmixBeta: 0.7, noBiasDecay: true, replicas: 1 },
      progressive: [{ size: 16, until: 0.5 }],
      onStep: (step, loss) => losses.push(step, loss),
      onEpoch: ({ epoch }) => epochs.push(epoch),
    });
    assert.deepEqual(epochs, [0, 1]);
    assert.equal(losses.length, 8);
    assert.ok(losses.every(Number.isFinite));
    const { model, finished, best } = trained;
    assert.deepEqual({ model, finished, run: trained.run }, { model: 'resnet8', finished: true, run });
    assert.equal(best!.images, 20);
    const config = JSON.parse(await readFile(join(run, 'config.json'), 'utf8'));
    const expected = {
      ...{ optimizer: 'adamw', learningRate: 0.002, weightDecay: 0.01, emaDecay: 0.5, noBiasDecay: true },
      ...{ schedule: 'multistep', milestones: [1], gamma: 0.1, flip: false, crop: 4, seed: 5 },
      ...{ cutmixProb: 0.5, cutmixBeta: 0.7, progressive: [{ size: 16, until: 0.5 }], epochs: 2 },
    };
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(config[key], value, key);

    const out = join(folder, 'of-run.onnx');
    const { file, files, labels, accuracy, notes } = await exportModel({ run: trained, out });
    assert.deepEqual({ file, labels, notes }, { file: out, labels: dataset.labels, notes: [] });
    assert.ok(files.length === 3 && files.every((path) => existsSync(path)));
    assert.equal(accuracy!.top1Correct, best!.top1Correct);
    await assert.rejects(
      exportModel({ run: trained, weights: out }),
      /^UserError: give --run or --weights, not both$/,
    );
  });

  it('takes a preset, whose settings may still be given', async () => {
    const run = join(folder, 'preset');
    // It stops before its first step.
    const signal = AbortSignal.abort();
    const { finished, best } = await train({ dataset, preset: 'fast', batchSize: 32, signal, run });
    assert.equal(finished, false);
    assert.equal(best, undefined);
    const { model, learningRate, nesterov, batchSize, epochs } = JSON.parse(
      await readFile(join(run, 'config.json'), 'utf8'),
    );
    assert.deepEqual(
      { model, learningRate, nesterov, batchSize, epochs },
      { model: 'resnet14t', learningRate: 0.2, nesterov: true, batchSize: 32, epochs: 36 },
    );
  });

  it('goes on with a run that was stopped, to the very same weights', async () => {
    const settings = {
      dataset,
      model: 'resnet8',
      epochs: 2,
      batchSize: 32,
      replicas: 1,
      threads: 1,
    } as const;
    const whole = await train({ ...settings, run: join(folder, 'whole') });
    const stop = new AbortController();
    const stopped = await train({
      ...settings,
      run: join(folder, 'stopped'),
      signal: stop.signal,
      onEpoch: () => stop.abort(),
    });
    assert.equal(stopped.finished, false);
    const resumed = await train({ dataset, resume: stopped, threads: 1 });
    assert.deepEqual([resumed.finished, resumed.run, resumed.best], [true, stopped.run, whole.best]);
    const bytes = (run: string) => checkpointBytes(RunDirectory.open(run), 'last');
    assert.deepEqual(await bytes(resumed.run), await bytes(whole.run));

    const other = makeSynthetic({ train: 60, test: 20 });
    const cases: [Partial<TrainOptions>, RegExp][] = [
      [
        { learningRate: 0.2, seed: 1 },
        /learningRate, seed cannot be given with resume; the run's config\.json/,
      ],
      [{ run: 'elsewhere' }, /run cannot be given with resume/],
      [{ epochs: 3 }, /--epochs 3 cannot be given to this run: its --schedule onecycle/],
      [{ dataset: other }, /the data has 60 training images where the run has 64/],
      [{ resume: folder }, /holds no training run/],
    ];
    for (const [options, message] of cases) {
      await assert.rejects(
        train({ dataset, resume: stopped.run, ...options }),
        (error) => error instanceof UserError && message.test(error.message),
      );
    }
    assert.equal(existsSync(join(stopped.run, 'run.lock')), false);
  });

  it('begins with the weights of another run', async () => {
    const run = join(folder, 'further');
    const from = join(folder, 'whole');
    // Nothing is learnt at this rate, so that the weights stay what they began as.
    const still = { schedule: 'constant', learningRate: 0, epochs: 1, batchSize: 32, replicas: 1 } as const;
    const { model } = await train({ dataset, from, run, ...still });
    assert.equal(model, 'resnet8');
    const [is, was] = await Promise.all(
      [run, from].map((path) => checkpointBytes(RunDirectory.open(path), 'best')),
    );
    assert.deepEqual([...is!.keys()], [...was!.keys()]);
    for (const [name, bytes] of was!) {
      if (!/running_(mean|var)$/.test(name)) assert.equal(is!.get(name), bytes, name);
    }
    assert.equal((await RunDirectory.open(run).readConfig()).from, from);
    const cases: [Partial<TrainOptions>, RegExp][] = [
      [{ from, model: 'resnet32' }, /give --model for a new net or --from for one that goes on/],
      [{ from: join(folder, 'preset') }, /preset has no best checkpoint yet/],
    ];
    for (const [options, message] of cases) {
      await assert.rejects(
        train({ dataset, run: join(folder, 'none'), ...still, ...options }),
        (error) => error instanceof UserError && message.test(error.message),
      );
    }
  });

  it('takes a smaller batch where the images do not fill the default one, and says so', async () => {
    const notes: string[] = [];
    const run = join(folder, 'fitted');
    const signal = AbortSignal.abort();
    await train({ dataset, model: 'resnet8', run, signal, onNote: (line) => notes.push(line) });
    const { batchSize } = await RunDirectory.open(run).readConfig();
    assert.equal(batchSize, 16);
    assert.deepEqual(notes, [
      '64 training images do not fill a batch of 128; training in batches of 16 (--batch-size chooses)',
    ]);
  });

  it('refuses settings that are wrong, and leaves no run behind', async () => {
    const run = join(folder, 'refused');
    const cases: [Partial<Record<keyof TrainOptions | 'learning', unknown>>, RegExp][] = [
      [{ epochs: 0 }, /epochs must be at least 1/],
      [{ epochs: 1.5 }, /epochs .*not 1\.5/],
      [{ learningRate: Number.NaN }, /learningRate .*not NaN/],
      [{ model: 'vgg16' }, /model is .*resnet8.*, not "vgg16"/],
      [{ optimizer: 'rmsprop' }, /optimizer is sgd, adam, adamw, not "rmsprop"/],
      [{ schedule: 'linear' }, /schedule is /],
      [{ learning: 1 }, /there is no setting "learning"/],
      [{ model: 'resnet19' }, /not "resnet19"; did you mean resnet18\?/],
      [{ batchSize: 65 }, /64 training images do not fill a batch of 65/],
      [{ batchSize: 32, milestones: [3, 2], schedule: 'multistep' }, /milestones.*the epochs rise/],
    ];
    for (const [settings, message] of cases) {
      const options = { dataset, run, ...settings } as TrainOptions;
      await assert.rejects(
        train(options),
        (error) => error instanceof UserError && message.test(error.message),
      );
    }
    assert.equal(existsSync(run), false);
  });

  it('loads own photos with a share held out', async () => {
    const photos = join(folder, 'photos');
    await writeColors(photos, 10, 3);
    const loaded = await loadDataset({ data: photos, imageSize: 16, valShare: 0.2, seed: 1 });
    const { labels, height, width, train: training, validation, test } = loaded;
    assert.deepEqual({ labels, height, width }, { labels: ['blue', 'green', 'red'], height: 16, width: 16 });
    assert.deepEqual([training.count, validation?.count, test.count], [24, 6, 9]);
    await assert.rejects(loadDataset({ data: join(folder, 'nowhere') }), UserError);
  });
});
