import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { floatTensor } from '../../core/onnx/graph.ts';
import type { RunDirectory } from '../../core/runs/run-directory.ts';
import { loadCheckpoint, saveCheckpoint, withWeights } from '../../core/weights/checkpoint.ts';
import { loadLast } from '../../train/checkpointing.ts';
import { createEngine } from '../../train/engine/create-engine.ts';
import type { TrainingEngine } from '../../train/engine/engine.ts';
import { optimizerOf, stateSlots } from '../../train/optim/config.ts';
import { parseTrainConfig } from '../../train/recipe/parse.ts';
import type { TrainConfig } from '../../train/recipe/settings.ts';
import type { TrainingState } from '../../train/state.ts';
import { packVector, vectorLayout } from '../../train/state.ts';
import type { TrainResult } from '../../train/trainer.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { relativeError64 } from './support/check-gradients.ts';
import { accuracyOf } from './support/direct-accuracy.ts';
import {
  BATCHES_PER_EPOCH,
  CONFIG,
  checkpointBytes,
  DATASET,
  initialModel,
  type TinyRunOptions,
  tinyRun,
} from './support/tiny-run.ts';

const folder = await temporaryFolder();
/** Adam's corrections depend on the steps taken, the average's decay too. */
const EMA: Partial<TrainConfig> = {
  optimizer: 'adamw',
  learningRate: 0.01,
  schedule: 'constant',
  emaDecay: 0.6,
  epochs: 2,
};
const STEPS = 2 * BATCHES_PER_EPOCH;

const history: { parameters: Float32Array; buffers: Float32Array }[] = [];
const whole = await emaRun('whole', {}, ({ parameters, buffers }) => {
  history.push({ parameters: parameters.slice(), buffers: buffers.slice() });
});
const wholeLast = await checkpointBytes(whole.run, 'last');

describe('a run with a moving average', () => {
  it('keeps it as the definition says, starting from the initial weights', async () => {
    assert.equal(history.length, STEPS);
    const model = initialModel();
    const layout = vectorLayout(model);
    const { tensors } = await loadCheckpoint(whole.run.checkpointPath('last'));
    for (const which of ['parameters', 'buffers'] as const) {
      const average = Float64Array.from(packVector(model, layout[which]));
      for (const [index, values] of history.entries()) {
        const t = index + 1;
        const decay = Math.min(0.6, (1 + t) / (10 + t));
        for (let i = 0; i < average.length; i++) {
          average[i] = decay * average[i]! + (1 - decay) * values[which][i]!;
        }
      }
      const saved = layout[which].flatMap(({ name }) => [...tensors.get(`ema.${name}`)!.data]);
      const error = relativeError64(saved, average);
      assert.ok(error < 1e-6, `${which}: relative error ${error}`);
      // Far from the weights themselves.
      assert.ok(relativeError64(history.at(-1)![which], average) > 1e-3, which);
    }
  });

  it('logs the test figures of the average, not of the weights', async () => {
    const { tensors } = await loadCheckpoint(whole.run.checkpointPath('last'));
    const last = (await whole.run.readLog()).at(-1)!;
    const loss = Number(last.testLoss);
    const averaged = new Map(
      [...tensors]
        .filter(([name]) => name.startsWith('ema.'))
        .map(([name, tensor]) => [name.slice('ema.'.length), tensor]),
    );
    const accuracy = await accuracyOf(withWeights(initialModel(), averaged, 'last'), DATASET);
    assert.deepEqual([accuracy.top1, accuracy.top5], [last.testTop1, last.testTop5]);
    assert.ok(Math.abs(accuracy.loss - loss) < 1e-5 * loss, `${accuracy.loss}, logged ${loss}`);
    const plain = await accuracyOf(withWeights(initialModel(), tensors, 'last'), DATASET);
    assert.ok(Math.abs(plain.loss - loss) > 1e-3 * loss, `${plain.loss}`);
  });

  it('saves as best the average, and nothing else', async () => {
    // One epoch, so that the best one is the last.
    const { run } = await emaRun('one-epoch', { config: { ...EMA, epochs: 1 } });
    const [best, last] = [await checkpointBytes(run, 'best'), await checkpointBytes(run, 'last')];
    const layout = vectorLayout(initialModel());
    const names = [...layout.parameters, ...layout.buffers].map(({ name }) => name);
    assert.deepEqual([...best.keys()].sort(), names.sort());
    for (const name of names) {
      assert.equal(best.get(name), last.get(`ema.${name}`), name);
      assert.notEqual(best.get(name), last.get(name), name);
    }
  });

  it('stopped twice and resumed has the bits of a run that was not, and has counted the same steps', async () => {
    await emaRun('stopped', { stopAfter: 3 });
    // An estimate takes steps of its own, which must not count.
    const observer = { onEstimate: () => {} };
    const middle = await emaRun('stopped', { resume: true, stopAfter: 2, weightSeed: 2, observer });
    assert.equal(await stepsOf(middle.run), 5);
    const { run, result } = await emaRun('stopped', { resume: true, weightSeed: 3, observer });
    assert.deepEqual(await checkpointBytes(run, 'last'), wholeLast);
    assert.deepEqual(await checkpointBytes(run, 'best'), await checkpointBytes(whole.run, 'best'));
    assert.equal(await stepsOf(run), STEPS);
    assert.deepEqual(result, whole.result);
  });
});

describe('a run made before there were optimisers to choose from', () => {
  it('resumes from a checkpoint that does not count steps, with a config without the newer keys', async () => {
    const newer = ['noBiasDecay', 'clipNorm', 'emaDecay', 'lrPerEpoch', 'milestones', 'gamma', 'accumulate'];
    const expected = await tinyRun(folder, 'uninterrupted');
    const { run } = await tinyRun(folder, 'old', { stopAfter: BATCHES_PER_EPOCH + 1 });
    const json = await run.readConfig();
    for (const key of newer) delete json[key];
    assert.deepEqual(parseTrainConfig(json, run.configPath), CONFIG);
    const path = run.checkpointPath('last');
    const { tensors, progress } = await loadCheckpoint(path);
    const { steps, ...old } = progress;
    assert.equal(steps, BATCHES_PER_EPOCH + 1);
    await saveCheckpoint(path, { tensors, progress: old });
    assert.equal((await loadCheckpoint(path)).progress.steps, undefined);
    // By the engine that the command line makes of such a config.
    const { result } = await runWith('old', CONFIG, { resume: true, weightSeed: 2 });
    assert.deepEqual(result, expected.result);
    assert.deepEqual(await checkpointBytes(run, 'last'), await checkpointBytes(expected.run, 'last'));
  });

  it('which trained more is not resumed as if it had not', async () => {
    const { run } = await tinyRun(folder, 'more', { stopAfter: 1 });
    const path = run.checkpointPath('last');
    const { tensors, progress } = await loadCheckpoint(path);
    const model = initialModel();
    const initializers = new Map(model.initializers).set('ones', floatTensor([1], [1]));
    const slots = stateSlots(optimizerOf(CONFIG));
    assert.ok(await loadLast(run, { ...model, initializers }, slots));
    tensors.set('ones', { dims: [1], data: Float32Array.of(0.5) });
    await saveCheckpoint(path, { tensors, progress });
    await assert.rejects(
      loadLast(run, { ...model, initializers }, slots),
      /^UserError: .*last\.safetensors is of a version that trained "ones" too.*or go on .* by train --from/,
    );
  });

  it('holds no average, and is not resumed as if it did', async () => {
    await tinyRun(folder, 'no-average', { stopAfter: 1 });
    const config = { ...CONFIG, emaDecay: 0.9 };
    await assert.rejects(runWith('no-average', config, { resume: true, config }), (error: unknown) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, /does not fit model resnet8: "ema\..+" is missing/);
      return true;
    });
  });
});

/** A tiny run with the optimiser of {@link EMA}; `afterStep` sees the state after each of its steps. */
function emaRun(
  name: string,
  options: TinyRunOptions = {},
  afterStep?: (state: TrainingState) => void,
): Promise<{ run: RunDirectory; result: TrainResult }> {
  const config = { ...CONFIG, ...EMA, ...options.config };
  return runWith(name, config, { ...options, config }, afterStep);
}

/** A tiny run on the engine that its config asks for. */
async function runWith(
  name: string,
  config: TrainConfig,
  options: TinyRunOptions,
  afterStep: (state: TrainingState) => void = () => {},
): Promise<{ run: RunDirectory; result: TrainResult }> {
  const engine = await createEngine(initialModel(options.weightSeed), config, 1);
  const watched: TrainingEngine = {
    name: engine.name,
    get state() {
      return engine.state;
    },
    step: async (images, targets, learningRate) => {
      const result = await engine.step(images, targets, learningRate);
      afterStep(await engine.state);
      return result;
    },
    load: (state) => engine.load(state),
    close: () => engine.close(),
  };
  try {
    return await tinyRun(folder, name, { ...options, wrap: () => watched });
  } finally {
    await engine.close();
  }
}

async function stepsOf(run: RunDirectory): Promise<number | undefined> {
  return (await loadCheckpoint(run.checkpointPath('last'))).progress.steps;
}
