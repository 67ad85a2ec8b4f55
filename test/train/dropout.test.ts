import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { initializeParameters } from '../../core/models/initialize.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor, type Graph, int, sizeOf, type TensorValue } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { openSession, tensor } from '../../core/runtime/session.ts';
import { createEngine } from '../../train/engine/create-engine.ts';
import { differentiate } from '../../train/gradients/differentiate.ts';
import { Lowering } from '../../train/lowering/ort/lower.ts';
import { LOWERINGS } from '../../train/lowering/ort/operators.ts';
import { StepBuilder } from '../../train/lowering/ort/step-builder.ts';
import { copyState } from '../../train/state.ts';
import { trainableModel } from '../../train/trainable-model.ts';
import { temporaryFolder } from '../data/temporary-folder.ts';
import { SKIP_WITHOUT_TENSORFLOW } from '../engine-tfjs/support/tensorflow.ts';
import { runOnce } from './support/step-runner.ts';
import { CONFIG, checkpointBytes, DATASET, tinyRun } from './support/tiny-run.ts';

/** Two Dropouts of one input, one after the other, at a step: what each lets through, and the gradient. */
async function dropped(
  ratio: number,
  step: number,
  dims: readonly number[] = [64, 500],
): Promise<{ first: Float32Array; second: Float32Array; gradient: Float32Array }> {
  const net = new GraphBuilder('dropout');
  const x = net.input('x', 'float32', dims);
  const share = net.initializer('ratio', floatTensor([], [ratio]));
  for (const name of ['first', 'second']) {
    net.node('Dropout', [x, share], {}, { name });
    net.output(name, 'float32', dims);
  }
  const training = differentiate(net.graph, ['x'], [], { dropout: true });
  const b = new StepBuilder('step', 0);
  const given = training.graph.inputs.map(
    ({ name, dims }) => [name, b.input(name, dims.map(Number))] as const,
  );
  const lowered = new Lowering(LOWERINGS, b, training, new Map(given));
  for (const name of ['first', 'second']) b.output(`out.${name}`, lowered.value(training.outputs.get(name)!));
  b.output('gradient', lowered.value(training.gradients.get('x')!));
  const ones = new Float32Array(sizeOf(dims)).fill(1);
  const results = await runOnce(b.graph, {
    ...{ x: ones, step: Float32Array.of(step) },
    'seed.first': ones,
    'seed.second': ones.map((_, i) => i),
  });
  return {
    first: results['out.first']!,
    second: results['out.second']!,
    gradient: results.gradient!,
  };
}

const share = (values: ArrayLike<boolean>): number =>
  Array.from(values).filter(Boolean).length / values.length;

/** How often two masks agree, of n values, within four standard deviations of independent ones. */
function assertIndependent(a: Float32Array, b: Float32Array, ratio: number): void {
  const agree = share(Array.from(a, (value, i) => (value === 0) === (b[i] === 0)));
  const expected = ratio ** 2 + (1 - ratio) ** 2;
  const deviation = Math.sqrt((expected * (1 - expected)) / a.length);
  assert.ok(Math.abs(agree - expected) < 4 * deviation, `${agree} agree, expected ${expected}`);
}

describe('Dropout in training', () => {
  for (const ratio of [0.1, 0.5, 0.9]) {
    it(`drops a share of ${ratio}, scales the rest, and passes the gradient through the same mask`, async () => {
      const { first, second, gradient } = await dropped(ratio, 7);
      const deviation = Math.sqrt((ratio * (1 - ratio)) / first.length);
      for (const mask of [first, second]) {
        const found = share(Array.from(mask, (value) => value === 0));
        assert.ok(Math.abs(found - ratio) < 4 * deviation, `${found} dropped`);
        const kept = Math.fround(1 / (1 - ratio));
        assert.ok(mask.every((value) => value === 0 || Math.abs(value - kept) < 1e-6 * kept));
      }
      const expected = first.map((value, i) => value + second[i]! * i);
      assert.ok(gradient.every((value, i) => Math.abs(value - expected[i]!) <= 1e-6 * (1 + expected[i]!)));
    });
  }

  it('draws other masks each step, in each node, of each image and beside each other', async () => {
    const [now, next] = [await dropped(0.5, 7), await dropped(0.5, 8)];
    assertIndependent(now.first, next.first, 0.5);
    assertIndependent(now.first, now.second, 0.5);
    assertIndependent(now.first.subarray(500), now.first.subarray(0, -500), 0.5);
    assertIndependent(now.first.subarray(1), now.first.subarray(0, -1), 0.5);
    const late = await dropped(0.5, 7 + 2 ** 12);
    assertIndependent(now.first, late.first, 0.5);
  });

  it('draws the same mask at the same step again', async () => {
    assert.deepEqual(await dropped(0.5, 123_456), await dropped(0.5, 123_456));
  });

  it('draws what the hash says, computed in whole numbers', async () => {
    const { first } = await dropped(0.5, 5000, [2, 3]);
    const mix = (high: number, low: number, keys: readonly number[]): [number, number] => {
      let [left, right] = [high, low];
      keys.forEach((key, round) => {
        const base = (right + key + 1 + 977 * round) % 4093;
        [left, right] = [right, (left + ((base * base) % 4093)) % 4096];
      });
      return [left, right];
    };
    const [a, b] = mix(1, 5000 - 4096, [0, 2741, 0, 1103]);
    const expected = [0, 1].flatMap((row) => {
      const [c, d] = mix(0, row, [a, b, a, b]);
      return [0, 1, 2].map((column) => {
        const [high, low] = mix(0, column, [c, d, c, d]);
        return (high * 4096 + low) / 2 ** 24 >= 0.5 ? 2 : 0;
      });
    });
    assert.deepEqual([...first], expected);
  });

  it('gives its input at ratio 0, and where nothing is to be dropped', async () => {
    const { first, gradient } = await dropped(0, 7, [2, 3]);
    assert.deepEqual([...first], [1, 1, 1, 1, 1, 1]);
    assert.deepEqual([...gradient], [1, 2, 3, 4, 5, 6]);
    const net = new GraphBuilder('dropout');
    net.node('Dropout', [net.input('x', 'float32', [2, 3])], {}, { name: 'y' });
    net.output('y', 'float32', [2, 3]);
    const training = differentiate(net.graph, ['x']);
    assert.equal(training.outputs.get('y'), 'x');
    assert.equal(training.gradients.get('x'), 'seed.y');
  });
});

/** A layer, Dropout of a half as an exporter leaves it in training, and a head. */
function droppingNet(): Graph {
  const b = new GraphBuilder('dropping');
  const zeros = (name: string, dims: number[]) =>
    b.initializer(name, floatTensor(dims, new Float32Array(sizeOf(dims))));
  const images = b.input('input', 'float32', ['batch', 3, 32, 32]);
  const pooled = b.node('AveragePool', [images], {
    kernel_shape: { type: 'ints', value: [8, 8] },
    strides: { type: 'ints', value: [8, 8] },
  });
  const x = b.node('Flatten', [pooled], { axis: int(1) });
  const hidden = b.node('Relu', [
    b.node('Gemm', [x, zeros('one.weight', [64, 48]), zeros('one.bias', [64])], { transB: int(1) }),
  ]);
  const truth: TensorValue = { dtype: 'bool', dims: [], data: Uint8Array.of(1) };
  const kept = b.node('Dropout', [
    ...[hidden, b.initializer('ratio', floatTensor([], [0.5]))],
    b.initializer('training_mode', truth),
  ]);
  const classes = CONFIG.labels.length;
  const head = [zeros('fc.weight', [classes, 64]), zeros('fc.bias', [classes])];
  b.node('Gemm', [kept, ...head], { transB: int(1) }, { name: 'logits' });
  b.output('logits', 'float32', ['batch', classes]);
  initializeParameters(b.graph, 3);
  return b.graph;
}

describe('a net with Dropout', async () => {
  const BATCH = 8;
  const config = { ...CONFIG, from: 'dropping.onnx', batchSize: BATCH, seed: 11 };
  const classes = CONFIG.labels.length;
  /** Every image the same, so that only Dropout tells them apart. */
  const images = new Float32Array(BATCH * 3 * 1024).fill(0.7);
  const targets = Float32Array.from({ length: BATCH * classes }, (_, i) => (i % classes === 0 ? 1 : 0));
  const folder = await temporaryFolder();

  /** Losses of so many steps, and the first one's logits. */
  async function steps(
    more: Partial<typeof config>,
    { count = 3, rate = 0, from }: { count?: number; rate?: number; from?: number } = {},
  ): Promise<{ losses: number[]; logits: Float32Array }> {
    const engine = await createEngine(droppingNet(), { ...config, ...more }, 1);
    try {
      if (from !== undefined) engine.load({ ...copyState(await engine.state), steps: from });
      const losses: number[] = [];
      let logits = new Float32Array();
      for (let i = 0; i < count; i++) {
        const result = await engine.step(images, targets, rate);
        losses.push(result.loss);
        if (i === 0) logits = result.logits.slice();
      }
      return { losses, logits };
    } finally {
      await engine.close();
    }
  }

  it('drops other things of each image, at each step, and by each seed', async () => {
    const { losses, logits } = await steps({});
    assert.equal(new Set(losses).size, 3, losses.join());
    const ofImage = (n: number) => logits.subarray(n * classes, (n + 1) * classes).join();
    assert.equal(new Set(Array.from({ length: BATCH }, (_, n) => ofImage(n))).size, BATCH);
    assert.notEqual((await steps({ seed: 12 })).losses[0], losses[0]);
    assert.deepEqual((await steps({})).losses, losses);
    assert.deepEqual((await steps({}, { from: 2, count: 1 })).losses, losses.slice(2));
  });

  it('drops other things in each part of a batch that is shared out or worked through in parts', async () => {
    for (const more of [{ replicas: 2 }, { accumulate: 2 }]) {
      const { losses, logits } = await steps(more);
      assert.equal(new Set(losses).size, 3);
      const half = logits.length / 2;
      assert.notDeepEqual(logits.subarray(0, half), logits.subarray(half));
      assert.deepEqual((await steps(more, { from: 2, count: 1 })).losses, losses.slice(2));
    }
    assert.deepEqual(await steps({ replicas: 2 }), await steps({ accumulate: 2 }));
  });

  it('drops the same with several steps in a call', async () => {
    const engine = await createEngine(droppingNet(), config, 1, { provider: 'cpu', stepsPerCall: 3 });
    const input = { images, targets, learningRate: 0 };
    const together = (await engine.steps!([input, input, input])).map(({ loss }) => loss);
    await engine.close();
    const { losses } = await steps({});
    const apart = losses.map((loss, i) => Math.abs(together[i]! - loss));
    assert.ok(Math.max(...apart) < 1e-5, `${together} ${losses}`);
  });

  it('drops the same in TensorFlow', { skip: SKIP_WITHOUT_TENSORFLOW }, async () => {
    for (const more of [{}, { accumulate: 2 }]) {
      const { losses } = await steps(more, { rate: 0.05 });
      const others = await steps({ ...more, engine: 'tfjs' }, { rate: 0.05 });
      const apart = losses.map((loss, i) => Math.abs(others.losses[i]! - loss));
      assert.ok(Math.max(...apart) < 1e-4, `${others.losses} ${losses}`);
    }
  });

  it('goes on as it would have, and learns', async () => {
    const model = await trainableModel({ graph: droppingNet(), opset: 15 });
    const run = { model, config: { ...config, batchSize: 16, model: 'resnet20' } };
    const whole = await tinyRun(folder, 'whole', run);
    await tinyRun(folder, 'parts', { ...run, stopAfter: 6 });
    const parts = await tinyRun(folder, 'parts', { ...run, resume: true });
    assert.deepEqual(await checkpointBytes(parts.run, 'last'), await checkpointBytes(whole.run, 'last'));
    assert.ok(whole.result.best!.loss < Math.log(DATASET.labels.length));
  });

  it('drops nothing when it is evaluated or exported, whatever its file said', async () => {
    const model = await trainableModel({ graph: droppingNet(), opset: 15 });
    const logitsOf = async (graph: Graph) => {
      const session = await openSession(encodeModel(graph));
      const { logits } = await session.run({ input: tensor(images, [BATCH, 3, 32, 32]) });
      await session.release();
      return logits!.data as Float32Array;
    };
    const logits = await logitsOf(model);
    for (let n = 1; n < BATCH; n++) {
      assert.deepEqual(logits.subarray(n * classes, (n + 1) * classes), logits.subarray(0, classes));
    }
    // In training mode a server of another make would drop.
    assert.deepEqual(model.nodes.find(({ op }) => op === 'Dropout')?.inputs.length, 2);
  });
});
