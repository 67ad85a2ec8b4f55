import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OrtEngine, type OrtEngineOptions } from '../../train/engine/ort-engine.ts';
import type { StepReport } from '../../train/loop.ts';
import { DEFAULT_LOSS_SCALING } from '../../train/optim/loss-scaling.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import {
  BATCHES_PER_EPOCH,
  CONFIG,
  checkpointBytes,
  initialModel,
  type TinyRunOptions,
  tinyRun,
} from '../train/support/tiny-run.ts';
import { BATCH_SIZE, SGD, tinyBatches, tinyNet } from './support/tiny-net.ts';

const CYCLE = { totalSteps: 5, warmupFraction: 0.4 };

const CASES: Record<string, Omit<OrtEngineOptions, 'batchSize'>> = {
  'sgd with a moving average': { optimizer: { ...SGD, emaDecay: 0.9 } },
  'adamw, clipped': { optimizer: { ...SGD, name: 'adamw', clipNorm: 1 } },
  'sgd with a momentum that moves': { optimizer: { ...SGD, momentumCycle: CYCLE } },
  'adam with a beta1 that moves, float16': {
    optimizer: { ...SGD, name: 'adam', momentumCycle: CYCLE, lossScaling: DEFAULT_LOSS_SCALING },
    precision: 'fp16',
  },
  float16: { optimizer: { ...SGD, lossScaling: DEFAULT_LOSS_SCALING }, precision: 'fp16' },
};

describe('several steps in a call', () => {
  for (const [name, options] of Object.entries(CASES)) {
    it(`are bit for bit what as many calls are: ${name}`, async () => {
      const rates = [0.01, 0.02, 0.03, 0.04, 0.05];
      const batches = tinyBatches(5, 0).map((batch, i) => ({ ...batch, learningRate: rates[i]! }));
      const one = await OrtEngine.create(tinyNet(), { ...options, batchSize: BATCH_SIZE, threads: 1 });
      const many = await OrtEngine.create(tinyNet(), {
        ...options,
        batchSize: BATCH_SIZE,
        threads: 1,
        stepsPerCall: 3,
      });
      try {
        const expected = [];
        for (const { images, targets, learningRate } of batches) {
          const { loss, logits } = await one.step(images, targets, learningRate);
          expected.push({ loss, logits: logits.slice() });
        }
        const actual = [];
        for (const group of [batches.slice(0, 3), batches.slice(3)]) {
          for (const { loss, logits } of await many.steps(group))
            actual.push({ loss, logits: logits.slice() });
        }
        assert.deepEqual(actual, expected);
        assert.deepEqual(many.state, one.state);
        assert.equal(many.state.steps, 5);
      } finally {
        await one.close();
        await many.close();
      }
    });
  }

  it('are refused beyond what the engine takes', async () => {
    const engine = await OrtEngine.create(tinyNet(), {
      optimizer: SGD,
      batchSize: BATCH_SIZE,
      stepsPerCall: 2,
    });
    await assert.rejects(engine.steps(tinyBatches(3, 0.1)), /a call takes 1 to 2 steps, not 3/);
    await assert.rejects(engine.steps([]), RangeError);
    await engine.close();
  });
});

describe('a run with several steps a call', async () => {
  const folder = await temporaryFolder();

  async function run(name: string, options: TinyRunOptions = {}) {
    const { batchSize, momentum, nesterov, weightDecay } = CONFIG;
    const engine = await OrtEngine.create(initialModel(), {
      batchSize,
      optimizer: { name: 'sgd', momentum, nesterov, weightDecay },
      threads: 1,
      stepsPerCall: 3,
    });
    return tinyRun(folder, name, { ...options, wrap: () => engine });
  }

  it('stops at the end of a call and goes on from there to the same weights', async () => {
    const plain = await tinyRun(folder, 'plain', { config: { epochs: 2 } });
    const losses: number[] = [];
    const batches: number[] = [];
    const observer = {
      onStep: ({ progress, loss }: StepReport) => {
        batches.push(progress.batch);
        losses.push(loss);
      },
    };
    // The fifth step is the first of a call of three.
    const stopped = await run('looped', { config: { epochs: 2 }, stopAfter: 5, observer });
    assert.equal(stopped.result.finished, false);
    assert.deepEqual(batches, [1, 2, 3, 4, 1, 2, 3]);
    assert.equal(BATCHES_PER_EPOCH, 4);
    const resumed = await run('looped', { config: { epochs: 2 }, resume: true, observer });
    assert.equal(resumed.result.finished, true);
    assert.equal(losses.length, 8);
    assert.deepEqual(await checkpointBytes(resumed.run, 'last'), await checkpointBytes(plain.run, 'last'));
  });
});
