import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelAccuracy } from '../../core/model-metadata.ts';
import type { TrainingEngine } from '../../train/engine/engine.ts';
import { type LabelledBatch, type LoopObserver, type LoopSetup, trainLoop } from '../../train/loop.ts';
import { measureStepSeconds } from '../../train/run-steps.ts';
import type { ScheduleConfig } from '../../train/schedule/schedule.ts';

const CLASSES = 2;
const SCHEDULE: ScheduleConfig = {
  schedule: 'multistep',
  learningRate: 1,
  epochs: 3,
  warmupFraction: 0,
  lrPerEpoch: false,
  milestones: [1, 2],
  gamma: 0.1,
};

/** Three batches an epoch of two images, an engine whose loss is its step's number, and accuracies as they are told. */
function setupOf(
  accuracies: (Partial<ModelAccuracy> | undefined)[],
  change: Partial<LoopSetup<LabelledBatch>> = {},
) {
  const rates: number[] = [];
  const engine = {
    name: 'counting',
    step: async (_: Float32Array, __: Float32Array, rate: number) => ({
      loss: rates.push(rate),
      // The first image is taken for what it is, the second is not.
      logits: Float32Array.of(1, 0, 1, 0),
    }),
  } as unknown as TrainingEngine;
  const asked: number[][] = [];
  const setup: LoopSetup<LabelledBatch> = {
    engine,
    classes: CLASSES,
    schedule: SCHEDULE,
    batchesPerEpoch: 3,
    async *batches(epoch, firstBatch) {
      asked.push([epoch, firstBatch]);
      for (let batch = firstBatch; batch < 3; batch++) {
        yield { images: new Float32Array(2), targets: new Float32Array(4), labels: [0, 1], size: 2 };
      }
    },
    evaluate: async () => {
      const accuracy = accuracies.shift();
      return (
        accuracy && { top1: 0, top5: 1, loss: 1, images: 2, top1Correct: 0, top5Correct: 2, ...accuracy }
      );
    },
    stopping: () => false,
    observers: [],
    advice: 'do otherwise',
    ...change,
  };
  return { setup, rates, asked };
}

describe('the time of a step', () => {
  it('is tried on no more steps than there is time for, and leaves the state as it was', async () => {
    let [steps, loads] = [0, 0];
    const state = { parameters: Float32Array.of(1), buffers: new Float32Array(0), slots: {}, steps: 0 };
    const engine = {
      state,
      step: async () => ({ loss: ++steps, logits: new Float32Array(4) }),
      load: (given: typeof state) => {
        loads++;
        assert.deepEqual(given, state);
      },
    } as unknown as TrainingEngine;
    assert.ok((await measureStepSeconds(engine, 2, 1, 2)) > 0);
    assert.equal(steps, 4);
    steps = 0;
    assert.ok((await measureStepSeconds(engine, 2, 1, 2, () => true)) > 0);
    assert.deepEqual([steps, loads], [1, 2]);
    steps = 0;
    assert.ok((await measureStepSeconds(engine, 2, 1, 2, () => steps >= 2)) > 0);
    assert.equal(steps, 2);
  });
});

describe('the training loop', () => {
  it('takes every step at its rate, evaluates after each epoch and keeps the best', async () => {
    const epochs: unknown[] = [];
    const { setup, rates } = setupOf(
      [
        { top1: 0.5, loss: 2 },
        { top1: 0.5, loss: 1 },
        { top1: 0.4, loss: 0.1 },
      ],
      {
        observers: [
          { onEpochEnd: ({ entry, improved }) => void epochs.push([entry.epoch, improved, entry]) },
        ],
      },
    );
    const progress = await trainLoop(setup);
    assert.deepEqual(
      rates.map((rate) => Number(rate.toFixed(6))),
      [1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01],
    );
    assert.deepEqual([progress.epoch, progress.batch], [3, 0]);
    assert.deepEqual([progress.best?.top1, progress.best?.loss, progress.accuracy?.top1], [0.5, 1, 0.4]);
    const entries = epochs as [number, boolean, Record<string, number>][];
    assert.deepEqual(
      entries.map(([epoch, improved, { trainLoss, trainTop1, testLoss }]) => [
        epoch,
        improved,
        trainLoss,
        trainTop1,
        testLoss,
      ]),
      [
        [0, true, 2, 0.5, 2],
        [1, true, 5, 0.5, 1],
        [2, false, 8, 0.5, 0.1],
      ],
    );
  });

  it('is finished early where no epoch is better for long enough, however often it is gone on with', async () => {
    const accuracies = [{ top1: 0.1 }, { top1: 0.3 }, { top1: 0.2 }, { top1: 0.3 }, { top1: 0.9 }];
    const schedule = { ...SCHEDULE, epochs: 9, patience: 2 };
    let ended = 0;
    const { setup } = setupOf([...accuracies], { schedule });
    const progress = await trainLoop(setup);
    assert.deepEqual([progress.epoch, progress.bestEpoch, progress.best?.top1], [4, 2, 0.3]);
    assert.deepEqual(await trainLoop({ ...setup, progress }), progress);
    // Stopped after each epoch and gone on with from what a checkpoint has.
    const again = setupOf([...accuracies], { schedule, observers: [{ onEpochEnd: () => void ended++ }] });
    let at = { epoch: 0, batch: 0 };
    for (let turn = 0; turn < 9; turn++) {
      ended = 0;
      at = JSON.parse(
        JSON.stringify(await trainLoop({ ...again.setup, progress: at, stopping: () => ended > 0 })),
      );
    }
    assert.deepEqual(at, JSON.parse(JSON.stringify(progress)));
  });

  it('tells its observers in order, each when the one before has done its part', async () => {
    const told: string[] = [];
    const slow: LoopObserver = {
      onEpochEnd: async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        told.push('saved');
      },
      onStep: async ({ progress }) => {
        await null;
        told.push(`saved ${progress.batch}`);
      },
    };
    const quick: LoopObserver = {
      onEpochEnd: () => void told.push('said'),
      onStep: ({ progress }) => void told.push(`said ${progress.batch}`),
    };
    const { setup } = setupOf([{}], { observers: [slow, quick], schedule: { ...SCHEDULE, epochs: 1 } });
    await trainLoop(setup);
    assert.deepEqual(told, ['saved 1', 'said 1', 'saved 2', 'said 2', 'saved 3', 'said 3', 'saved', 'said']);
  });

  it('stops within an epoch, says what is trained of it, and goes on from there', async () => {
    let [steps, stopAfter] = [0, 4];
    const paused: unknown[] = [];
    const logged: number[][] = [];
    const observers: LoopObserver[] = [
      {
        onStep: () => void steps++,
        onPause: ({ epoch, batch }, { trainLoss, trainTop1 }) =>
          void paused.push({ epoch, batch, trainLoss, trainTop1 }),
        onEpochEnd: ({ entry: { epoch, trainLoss, trainTop1 } }) =>
          void logged.push([epoch, trainLoss, trainTop1]),
      },
    ];
    const { setup, rates, asked } = setupOf([{}, {}, {}], { observers, stopping: () => steps >= stopAfter });
    const progress = await trainLoop(setup);
    assert.deepEqual(paused, [{ epoch: 1, batch: 1, trainLoss: 4, trainTop1: 0.5 }]);
    assert.deepEqual([progress.epoch, progress.batch], [1, 1]);
    stopAfter = Number.POSITIVE_INFINITY;
    await trainLoop({ ...setup, progress: JSON.parse(JSON.stringify(progress)) });
    // The batches before the break are in the figures too.
    assert.deepEqual(logged, [
      [0, 2, 0.5],
      [1, 5, 0.5],
      [2, 8, 0.5],
    ]);
    assert.deepEqual(asked, [
      [0, 0],
      [1, 0],
      [1, 1],
      [2, 0],
    ]);
    assert.equal(rates.length, 9);
  });

  it('finishes an epoch whose last step it is that is asked to stop', async () => {
    let steps = 0;
    const observers = [{ onStep: () => void steps++ }];
    const { setup } = setupOf([{}], { observers, stopping: () => steps >= 3 });
    const { epoch, batch, accuracy } = await trainLoop(setup);
    assert.deepEqual([epoch, batch, accuracy?.images], [1, 0, 2]);
  });

  it('puts an evaluation off for which there is no time, and goes on with it', async () => {
    const results: Awaited<ReturnType<LoopSetup<LabelledBatch>['evaluate']>>[] = ['stopped', 'stopped'];
    const { setup, rates, asked } = setupOf([{}, {}, {}]);
    const { evaluate } = setup;
    const logged: [number, number, number, number][] = [];
    const paused: (number | undefined)[] = [];
    const whole: LoopSetup<LabelledBatch> = {
      ...setup,
      evaluate: async (onProgress, epoch) => results.shift() ?? evaluate(onProgress, epoch),
      observers: [
        {
          onPause: (_, { trainLoss }) => void paused.push(trainLoss),
          onEpochEnd: ({ entry, progress }) => {
            assert.equal(progress.soFar, undefined);
            logged.push([entry.epoch, entry.learningRate, entry.trainLoss, entry.trainTop1]);
          },
        },
      ],
    };
    let progress = await trainLoop(whole);
    assert.deepEqual([progress.epoch, progress.batch], [0, 3]);
    // Twice put off, and through a file in between.
    progress = await trainLoop({ ...whole, progress: JSON.parse(JSON.stringify(progress)) });
    progress = await trainLoop({ ...whole, progress: JSON.parse(JSON.stringify(progress)) });
    assert.deepEqual([progress.epoch, paused, rates.length], [3, [2, 2], 9]);
    assert.deepEqual(logged[0], [0, 1, 2, 0.5]);
    assert.deepEqual(asked.slice(0, 3), [
      [0, 0],
      [0, 3],
      [0, 3],
    ]);
  });

  it('trains where there is nothing to evaluate on', async () => {
    const entries: number[][] = [];
    const { setup } = setupOf([], {
      observers: [
        { onEpochEnd: ({ entry, improved }) => void entries.push([entry.testTop1, Number(improved)]) },
      ],
    });
    const progress = await trainLoop(setup);
    assert.deepEqual([progress.epoch, progress.best], [3, undefined]);
    assert.deepEqual(entries, Array(3).fill([Number.NaN, 0]));
  });

  it('ends with advice where loss or weights are numbers no more, and nobody is told of that epoch', async () => {
    let ended = 0;
    const observers = [{ onEpochEnd: () => void ended++ }];
    const ruined = setupOf([{}, { loss: Number.NaN }], { observers });
    await assert.rejects(trainLoop(ruined.setup), {
      name: 'UserError',
      message: 'the weights diverged in epoch 2; do otherwise',
    });
    assert.equal(ended, 1);
    const { setup } = setupOf([]);
    const engine = { ...setup.engine, step: async () => ({ loss: Number.NaN, logits: new Float32Array(4) }) };
    await assert.rejects(trainLoop({ ...setup, engine: engine as unknown as TrainingEngine }), {
      name: 'UserError',
      message: 'the loss became NaN in epoch 1; do otherwise',
    });
  });
});
