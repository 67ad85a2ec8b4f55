import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { loadCheckpoint } from '../../core/weights/checkpoint.ts';
import { createEngine } from '../../train/engine/create-engine.ts';
import { OrtEngine } from '../../train/engine/ort-engine.ts';
import { buildStepGraph } from '../../train/lowering/ort/step-graph.ts';
import type { OptimizerConfig } from '../../train/optim/config.ts';
import type { OrtPrecision } from '../../train/precision.ts';
import type { TrainConfig } from '../../train/recipe/settings.ts';
import { copyState, type TrainingState, vectorLayout } from '../../train/state.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { CONFIG, checkpointBytes, initialModel, tinyRun } from '../train/support/tiny-run.ts';
import { elementTypes } from './support/element-types.ts';
import { BATCH_SIZE, relativeDistance, SGD, tinyBatches, tinyNet } from './support/tiny-net.ts';

const SCALED: OptimizerConfig = { ...SGD, lossScaling: { initialScale: 1024, growthInterval: 3 } };
const engineOf = (precision: OrtPrecision, optimizer: OptimizerConfig) =>
  OrtEngine.create(tinyNet(), { batchSize: BATCH_SIZE, optimizer, precision, threads: 1 });

describe('a step in mixed precision', () => {
  it('multiplies matrices in float16 and keeps sums, loss and state in float32', () => {
    const model = tinyNet();
    const graph = buildStepGraph(model, vectorLayout(model), {
      batchSize: BATCH_SIZE,
      blockSize: 0,
      portable: true,
      optimizer: SGD,
      precision: 'fp16',
    });
    const types = elementTypes(graph);
    const typesOf = (op: RegExp) =>
      new Set(graph.nodes.filter((n) => op.test(n.op)).map((n) => types.get(n.inputs[0]!)));
    assert.deepEqual(typesOf(/^(Conv|Gemm|MatMul)$/), new Set(['float16']));
    assert.deepEqual(typesOf(/^(Reduce.*|Exp|Log|Sqrt|Reciprocal)$/), new Set(['float32']));
    // The activations between the products are float16 too, all that come from a batch norm's ReLU.
    assert.deepEqual(typesOf(/^Greater$/), new Set(['float16']));
    for (const { name } of graph.outputs) assert.equal(types.get(name), 'float32', name);
  });

  it('agrees with float32 as far as float16 goes', async () => {
    const [half, full] = [await engineOf('fp16', SCALED), await engineOf('fp32', SGD)];
    const [{ images, targets }] = tinyBatches(1, 0) as [ReturnType<typeof tinyBatches>[0]];
    const [a, b] = [await half.step(images, targets, 0.1), await full.step(images, targets, 0.1)];
    assert.ok(Math.abs(a.loss - b.loss) < 2e-3 * b.loss, `loss ${a.loss}, not ${b.loss}`);
    assert.ok(relativeDistance(a.logits, b.logits) < 1e-2);
    // The first momentum is the gradient. Rounding flips some ReLUs, which is most of the distance: PyTorch's
    // autocast is 0.1 away from float32 for the gradient of a resnet20.
    const distance = relativeDistance(half.state.slots.momentum!, full.state.slots.momentum!);
    assert.ok(distance > 0 && distance < 0.1, `gradient: relative distance ${distance}`);
    assert.ok(relativeDistance(half.state.buffers, full.state.buffers) < 1e-3);
    await half.close();
    await full.close();
  });

  it('learns what float32 learns', async () => {
    const batches = tinyBatches(5, 0.05);
    const lossAfter = async (engine: OrtEngine) => {
      let last = 0;
      for (let step = 0; step < 30; step++) {
        const { images, targets, learningRate } = batches[step % batches.length]!;
        const { loss } = await engine.step(images, targets, learningRate);
        if (step >= 25) last += loss / 5;
      }
      await engine.close();
      return last;
    };
    const half = await lossAfter(await engineOf('fp16', SCALED));
    const full = await lossAfter(await engineOf('fp32', SGD));
    assert.ok(full < 0.5, `float32 learns: ${full}`);
    assert.ok(Math.abs(half - full) < 0.1, `float16 ${half}, float32 ${full}`);
  });
});

describe('the loss scale', () => {
  const withScale = (state: TrainingState, scale: number, goodSteps: number): TrainingState => ({
    ...copyState(state),
    slots: { ...copyState(state).slots, loss_scale: Float32Array.of(scale, goodSteps) },
  });

  it('is halved by a step that overflows, which changes nothing else, until a step succeeds', async () => {
    const engine = await engineOf('fp16', { ...SCALED, emaDecay: 0.9 });
    const [{ images, targets }] = tinyBatches(1, 0) as [ReturnType<typeof tinyBatches>[0]];
    await engine.step(images, targets, 0.1);
    engine.load(withScale(engine.state, 2 ** 24, 2));
    const before = copyState(engine.state);
    const { loss } = await engine.step(images, targets, 0.1);
    assert.ok(Number.isFinite(loss));
    const { parameters, buffers, slots, steps } = engine.state;
    assert.deepEqual([...slots.loss_scale!], [2 ** 23, 0]);
    assert.deepEqual(parameters, before.parameters);
    assert.deepEqual(buffers, before.buffers);
    for (const slot of ['momentum', 'ema', 'ema_buffers']) assert.deepEqual(slots[slot], before.slots[slot]);
    assert.equal(steps, before.steps + 1);

    let scale = 2 ** 23;
    while (relativeDistance(engine.state.parameters, before.parameters) === 0) {
      await engine.step(images, targets, 0.1);
      scale = engine.state.slots.loss_scale![0]!;
      assert.ok(scale >= 16, 'no step succeeds');
    }
    // From 0 good steps: this one, and two more until it is doubled.
    assert.deepEqual([...engine.state.slots.loss_scale!], [scale, 1]);
    assert.ok(engine.state.parameters.every(Number.isFinite));
    await engine.close();
  });

  it('is doubled after the good steps it takes, and does not change the update', async () => {
    // In float32 a power of two scales without rounding.
    const scaled = await engineOf('fp32', SCALED);
    const plain = await engineOf('fp32', SGD);
    const scales: number[] = [];
    for (const { images, targets } of tinyBatches(4, 0)) {
      await scaled.step(images, targets, 0.05);
      await plain.step(images, targets, 0.05);
      scales.push(...scaled.state.slots.loss_scale!);
    }
    assert.deepEqual(scales, [1024, 1, 1024, 2, 2048, 0, 2048, 1]);
    assert.ok(relativeDistance(scaled.state.parameters, plain.state.parameters) < 1e-4);
    await scaled.close();
    await plain.close();
  });

  it('that cannot help any more is an error in one line', async () => {
    const engine = await engineOf('fp16', SCALED);
    const [{ images, targets }] = tinyBatches(1, 0) as [ReturnType<typeof tinyBatches>[0]];
    engine.load(withScale(engine.state, 2 ** -14, 0));
    const broken = images.map(() => Number.NaN);
    await assert.rejects(engine.step(broken, targets, 0.1), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /^the gradient overflows .* --precision fp32$/);
      return true;
    });
    await engine.close();
  });
});

describe('a run in mixed precision', async () => {
  const folder = await temporaryFolder();
  const config: Partial<TrainConfig> = { precision: 'fp16', epochs: 1 };

  it('keeps the loss scale in its checkpoint and resumes exactly', async () => {
    const whole = await tinyRun(folder, 'whole', { config });
    const { tensors } = await loadCheckpoint(whole.run.checkpointPath('last'));
    const { dims, data } = tensors.get('optimizer.loss_scale')!;
    assert.deepEqual(dims, [2]);
    const [scale, goodSteps] = data as Float32Array;
    assert.ok(scale! > 0 && scale! <= 65536 && goodSteps! <= 4);
    await tinyRun(folder, 'parts', { config, stopAfter: 2 });
    const resumed = await tinyRun(folder, 'parts', { config, resume: true });
    assert.equal(resumed.result.finished, true);
    assert.deepEqual(await checkpointBytes(resumed.run, 'last'), await checkpointBytes(whole.run, 'last'));
  });

  it('is refused where it cannot be had', async () => {
    const half = { ...CONFIG, precision: 'fp16' as const };
    for (const other of [{ replicas: 2 }, { accumulate: 2 }]) {
      await assert.rejects(
        createEngine(initialModel(), { ...half, ...other }),
        /--precision fp16 works with the whole/,
      );
    }
    await assert.rejects(createEngine(initialModel(), { ...half, engine: 'tfjs' }), /is for --engine ort/);
  });
});
