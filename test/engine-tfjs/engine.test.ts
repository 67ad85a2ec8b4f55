import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { type Graph, int } from '../../core/onnx/graph.ts';
import { loadTensorFlow } from '../../core/tensorflow/load-tfjs.ts';
import { createEngine } from '../../train/engine/create-engine.ts';
import type { TrainingEngine } from '../../train/engine/engine.ts';
import { OrtEngine } from '../../train/engine/ort-engine.ts';
import { ReplicaEngine } from '../../train/engine/replicas/replica-engine.ts';
import { TfjsEngine } from '../../train/engine/tfjs-engine.ts';
import { GraphInterpreter } from '../../train/lowering/tfjs/interpreter.ts';
import type { OptimizerConfig } from '../../train/optim/config.ts';
import { copyState, type TrainingState } from '../../train/state.ts';
import { buildCase, type CaseNet } from '../train/support/case-net.ts';
import { relativeError64 } from '../train/support/check-gradients.ts';
import { BATCH, DRIFTING_BATCHES as batches, CLASSES, SIZE } from '../train/support/drifting-batches.ts';
import { CONFIG } from '../train/support/tiny-run.ts';
import { SKIP_WITHOUT_TENSORFLOW as skip } from './support/tensorflow.ts';

/** Both engines compute in float32 and only sum in another order. */
const TOLERANCE = 1e-5;
const SGD: OptimizerConfig = { name: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0.01 };

const withNorm = classifier((b, x) =>
  b.relu(b.norm(b.conv(x, 8, 3, { pads: 1, stride: 2 }), { momentum: 0.7 })),
);
const withoutNorm = classifier((b, x) => b.relu(b.conv(x, 8, 3, { pads: 1, bias: true })));

describe('an optimiser updates weights, slots and averages as with ort', { skip }, () => {
  const optimizers: OptimizerConfig[] = [
    { ...SGD, momentumCycle: { totalSteps: 4, warmupFraction: 0.5 } },
    { ...SGD, name: 'adam', momentumCycle: { totalSteps: 4, warmupFraction: 0.5 } },
    SGD,
    { ...SGD, momentum: 0, weightDecay: 0 },
    { ...SGD, nesterov: true, noBiasDecay: true, clipNorm: 0.05, emaDecay: 0.9 },
    { ...SGD, clipNorm: 1000 },
    { name: 'adam', momentum: 0, nesterov: false, weightDecay: 0.1, epsilon: 1e-3 },
    { ...SGD, name: 'adamw', epsilon: 1e-3, noBiasDecay: true, clipNorm: 0.05, emaDecay: 0.9 },
  ];
  for (const optimizer of optimizers) {
    it(JSON.stringify(optimizer), async () => {
      const options = { batchSize: BATCH, optimizer };
      const expected = await trained(await OrtEngine.create(withNorm, { ...options, threads: 1 }));
      sameRun(await trained(await TfjsEngine.create(withNorm, options)), expected);
    });
  }

  it('without batch norm there are no running statistics', async () => {
    const options = { batchSize: BATCH, optimizer: { ...SGD, emaDecay: 0.9 } };
    const expected = await trained(await OrtEngine.create(withoutNorm, { ...options, threads: 1 }));
    assert.equal(expected.state.buffers.length, 0);
    sameRun(await trained(await TfjsEngine.create(withoutNorm, options)), expected);
  });
});

describe('a batch in parts is what the replicas of ort make of it', { skip }, () => {
  for (const { replicas, accumulate } of [
    { replicas: 1, accumulate: 2 },
    { replicas: 1, accumulate: 4 },
    { replicas: 2, accumulate: 1 },
    { replicas: 2, accumulate: 2 },
  ]) {
    it(`${accumulate} parts, each shared by ${replicas}`, async () => {
      const options = { batchSize: BATCH, optimizer: { ...SGD, emaDecay: 0.9 }, replicas, accumulate };
      const expected = await trained(await ReplicaEngine.create(withNorm, { ...options, threads: 1 }));
      sameRun(await trained(await TfjsEngine.create(withNorm, options)), expected);
    });
  }

  it('where the whole batch is something else', async () => {
    const options = { batchSize: BATCH, optimizer: SGD };
    const whole = await trained(await TfjsEngine.create(withNorm, options));
    const parts = await trained(await TfjsEngine.create(withNorm, { ...options, accumulate: 2 }));
    assert.ok(relativeError64(parts.state.parameters, whole.state.parameters) > 10 * TOLERANCE);
  });

  it('refuses unequal ones', async () => {
    const create = TfjsEngine.create(withNorm, { batchSize: BATCH, optimizer: SGD, accumulate: 3 });
    await refuses(create, /^a batch of 8 cannot be worked through in 3 equal parts; change one of them$/);
  });
});

describe('the engine', { skip }, () => {
  const optimizer: OptimizerConfig = { ...SGD, name: 'adamw', clipNorm: 1, emaDecay: 0.9 };

  it("is made where a run's config says so", async () => {
    const engine = await createEngine(withNorm, {
      ...CONFIG,
      batchSize: BATCH,
      engine: 'tfjs',
      accumulate: 2,
    });
    assert.ok(engine instanceof TfjsEngine);
    await engine.close();
  });

  it('leaves no tensor behind: not from step to step, not when closed', async () => {
    const tf = await loadTensorFlow();
    const before = tf.memory().numTensors;
    const engine = await TfjsEngine.create(withNorm, {
      batchSize: BATCH,
      optimizer,
      replicas: 2,
      accumulate: 2,
    });
    const counts: number[] = [];
    for (const { images, targets } of [...batches, ...batches]) {
      await engine.step(images, targets, 0.01);
      counts.push(tf.memory().numTensors);
    }
    assert.deepEqual(counts, new Array(counts.length).fill(counts[0]));
    engine.load(copyState(engine.state));
    assert.equal(tf.memory().numTensors, counts[0]);
    await engine.close();
    assert.equal(tf.memory().numTensors, before);
  });

  it('load replaces the whole state, by a copy', async () => {
    const engine = await TfjsEngine.create(withNorm, { batchSize: BATCH, optimizer });
    const step = async () => {
      await engine.step(batches[0]!.images, batches[0]!.targets, 0.01);
      return copyState(engine.state);
    };
    await step();
    const saved = copyState(engine.state);
    const given = copyState(saved);
    engine.load(given);
    given.parameters.fill(7);
    for (const vector of Object.values(given.slots)) vector.fill(7);
    const once = await step();
    assert.equal(once.steps, 2);
    await step();
    engine.load(saved);
    assert.deepEqual(copyState(engine.state), saved);
    sameState(await step(), once);
    await engine.close();
  });

  it('lets others have their turn between steps', async () => {
    const engine = await TfjsEngine.create(withNorm, { batchSize: BATCH, optimizer });
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const start = performance.now();
    // Longer than a timer's shortest wait, however fast a step is.
    for (let step = 0; step < 20 || performance.now() - start < 50; step++) {
      await engine.step(batches[0]!.images, batches[0]!.targets, 0.01);
    }
    clearInterval(timer);
    await engine.close();
    assert.ok(turns > 0);
  });

  it('names an operator without a rule', async () => {
    const net = classifier((b, x) => b.relu(b.conv(x, 8, 3)));
    const graph = {
      ...net,
      nodes: net.nodes.map((node) => (node.op === 'Relu' ? { ...node, op: 'Det' } : node)),
    };
    const create = TfjsEngine.create(graph, { batchSize: BATCH, optimizer });
    await refuses(create, /^the operator Det \(node ".*"\) cannot be trained: export the model without it, /);
  });

  it('names an operator that TensorFlow has no counterpart of', async () => {
    const tf = await loadTensorFlow();
    const b = new GraphBuilder('net');
    b.output(b.node('Hardmax', [b.input('x', 'float32', [1, 2, 3, 3])]), 'float32', [1, 2, 3, 3]);
    const { graph } = b;
    const [node] = graph.nodes;
    assert.throws(
      () => new GraphInterpreter(tf, { graph }),
      (error: unknown) =>
        error instanceof UserError &&
        error.message ===
          `the operator Hardmax (node "${node!.name}") cannot be trained with TensorFlow.js; use --engine ort`,
    );
  });
});

interface Run {
  losses: number[];
  logits: number[];
  state: TrainingState;
}

/** All steps on an engine, which is closed. The rate changes every step, as a schedule's does. */
async function trained(engine: TrainingEngine): Promise<Run> {
  try {
    const run: Omit<Run, 'state'> = { losses: [], logits: [] };
    for (const [step, { images, targets }] of batches.entries()) {
      const { loss, logits } = await engine.step(images, targets, Math.fround(0.1 / (1 + step)));
      run.losses.push(loss);
      run.logits.push(...logits);
    }
    return { ...run, state: copyState(await engine.state) };
  } finally {
    await engine.close();
  }
}

function sameRun(actual: Run, expected: Run): void {
  close(actual.losses, expected.losses, 'losses');
  close(actual.logits, expected.logits, 'logits');
  sameState(actual.state, expected.state);
}

function sameState(actual: TrainingState, expected: TrainingState): void {
  assert.equal(actual.steps, expected.steps);
  close(actual.parameters, expected.parameters, 'parameters');
  close(actual.buffers, expected.buffers, 'running statistics');
  assert.deepEqual(Object.keys(actual.slots).sort(), Object.keys(expected.slots).sort());
  for (const [slot, vector] of Object.entries(expected.slots)) close(actual.slots[slot]!, vector, slot);
}

function close(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  assert.equal(actual.length, expected.length, what);
  if (expected.length === 0) return;
  const error = relativeError64(actual, expected);
  assert.ok(error <= TOLERANCE, `${what}: relative error ${error}`);
}

async function refuses(promise: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

/** A small net whose batch the engine chooses. */
function classifier(body: (b: CaseNet, x: string) => string): Graph {
  const { graph } = buildCase((b) => {
    const features = b.node('Flatten', [b.pool(body(b, b.input([BATCH, 3, SIZE, SIZE])))], { axis: int(1) });
    b.output(b.node('Gemm', [features, b.weight([CLASSES, 8]), b.weight([CLASSES])], { transB: int(1) }));
  });
  for (const value of [...graph.inputs, ...graph.outputs]) value.dims[0] = 'batch';
  return graph;
}
