import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { type Graph, int } from '../../core/onnx/graph.ts';
import { createEngine } from '../../train/engine/create-engine.ts';
import type { TrainingEngine } from '../../train/engine/engine.ts';
import { OrtEngine } from '../../train/engine/ort-engine.ts';
import { ReplicaEngine } from '../../train/engine/replicas/replica-engine.ts';
import { buildGradientGraph } from '../../train/lowering/ort/step-graph.ts';
import type { OptimizerConfig } from '../../train/optim/config.ts';
import type { TrainConfig } from '../../train/recipe/settings.ts';
import { copyState, packVector, type TrainingState, vectorLayout } from '../../train/state.ts';
import { buildCase, type CaseNet } from './support/case-net.ts';
import { relativeError64 } from './support/check-gradients.ts';
import { BATCH, DRIFTING_BATCHES as batches, CLASSES, SIZE, STEPS } from './support/drifting-batches.ts';
import { type Feeds, StepRunner } from './support/step-runner.ts';
import { CONFIG } from './support/tiny-run.ts';

/** Both sides compute in float32 and only sum in another order. */
const TOLERANCE = 1e-5;
const SGD: OptimizerConfig = { name: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0.01 };

const rateOf = (step: number) => Math.fround(0.1 / (1 + step));

const withNorm = openBatch(
  buildCase((b) => classifier(b, (x) => b.relu(b.norm(b.conv(x, 8, 3, { pads: 1 }))))),
);
const withoutNorm = openBatch(
  buildCase((b) => classifier(b, (x) => b.relu(b.conv(x, 8, 3, { pads: 1, bias: true })))),
);

describe('a batch in parts is what PyTorch makes of loss / parts and one optimiser step', () => {
  for (const { replicas, accumulate } of [
    { replicas: 1, accumulate: 2 },
    { replicas: 1, accumulate: 4 },
    { replicas: 2, accumulate: 2 },
  ]) {
    it(`${accumulate} parts on ${replicas} replicas, with batch norm`, async () => {
      const options = { batchSize: BATCH, optimizer: SGD, replicas, accumulate, threads: 1 };
      const engine = await ReplicaEngine.create(withNorm, options);
      try {
        const expected = await byHand(withNorm, replicas, accumulate);
        for (const [step, { images, targets }] of batches.entries()) {
          const { loss, logits } = await engine.step(images, targets, rateOf(step));
          close([loss], [expected[step]!.loss], `loss of step ${step}`);
          close(logits, expected[step]!.logits, `logits of step ${step}`);
        }
        const last = expected.at(-1)!;
        close(engine.state.parameters, last.parameters, 'parameters');
        close(engine.state.slots.momentum!, last.momentum, 'momentum');
        close(engine.state.buffers, last.buffers, 'running statistics');
        assert.equal(engine.state.steps, STEPS);
      } finally {
        await engine.close();
      }
    });
  }
});

describe('without batch norm a batch in parts is the whole batch', () => {
  const optimizers: OptimizerConfig[] = [
    { ...SGD, nesterov: true, clipNorm: 0.05, emaDecay: 0.9 },
    { ...SGD, momentum: 0 },
    { name: 'adam', momentum: 0, nesterov: false, weightDecay: 0.1, epsilon: 1e-3 },
    { ...SGD, name: 'adamw', epsilon: 1e-3, noBiasDecay: true, clipNorm: 0.05, emaDecay: 0.9 },
  ];
  for (const optimizer of optimizers) {
    it(JSON.stringify(optimizer), async () => {
      const options = { batchSize: BATCH, optimizer, threads: 1 };
      const whole = await trained(await OrtEngine.create(withoutNorm, options));
      const parts = await trained(
        await ReplicaEngine.create(withoutNorm, { ...options, replicas: 1, accumulate: 4 }),
      );
      close(parts.losses, whole.losses, 'losses');
      close(parts.state.parameters, whole.state.parameters, 'parameters');
      assert.deepEqual(Object.keys(parts.state.slots), Object.keys(whole.state.slots));
      for (const [slot, vector] of Object.entries(whole.state.slots)) {
        close(parts.state.slots[slot]!, vector, slot);
      }
    });
  }

  it('where clipping to the same norm part by part would not be', async () => {
    // The tests above would not tell the two apart if no part were longer than the bound.
    const runner = await StepRunner.open(gradientGraph(withoutNorm, BATCH / 4));
    try {
      const { gradient } = await runner.run({
        ...initial(withoutNorm),
        images: part(batches[0]!.images, 0, 4),
        targets: part(batches[0]!.targets, 0, 4),
      });
      assert.ok(Math.hypot(...gradient!) > 0.05, `${Math.hypot(...gradient!)}`);
    } finally {
      await runner.close();
    }
  });
});

it("a run's config decides: createEngine accumulates where it says so", async () => {
  const { momentum, nesterov, weightDecay } = SGD;
  const config: TrainConfig = { ...CONFIG, batchSize: BATCH, momentum, nesterov, weightDecay };
  const made = await trained(await createEngine(withNorm, { ...config, accumulate: 4 }, 1));
  const options = { batchSize: BATCH, optimizer: SGD, threads: 1, replicas: 1 };
  const expected = await trained(await ReplicaEngine.create(withNorm, { ...options, accumulate: 4 }));
  assert.deepEqual(made, expected);
  const whole = await trained(await createEngine(withNorm, config, 1));
  // Batch norm sees the part.
  assert.notDeepEqual(made.losses, whole.losses);
});

it('refuses a batch that cannot be worked through in equal parts', async () => {
  const options = { batchSize: BATCH, optimizer: SGD, replicas: 2, accumulate: 3 };
  await assert.rejects(ReplicaEngine.create(withNorm, options), (error: unknown) => {
    assert.ok(error instanceof UserError);
    return /a batch of 8 cannot be shared out .*2 replicas x 3 parts/.test(error.message);
  });
});

interface ByHand {
  loss: number;
  logits: number[];
  parameters: Float64Array;
  momentum: Float64Array;
  buffers: Float32Array;
}

/**
 * The steps as a PyTorch training loop has them: parts one after the other on the same weights, each updating
 * the running statistics, their gradients summed; then SGD, in float64. Replicas work on parts of a round
 * from the same running statistics, which are then averaged.
 */
async function byHand(model: Graph, replicas: number, accumulate: number): Promise<ByHand[]> {
  const parts = replicas * accumulate;
  const runner = await StepRunner.open(gradientGraph(model, BATCH / parts));
  const start = initial(model);
  const parameters = Float64Array.from(start.parameters!);
  const momentum = new Float64Array(parameters.length);
  let buffers = start.buffers!;
  try {
    const results: ByHand[] = [];
    for (const [step, { images, targets }] of batches.entries()) {
      const gradient = new Float64Array(parameters.length);
      const logits: number[] = [];
      let loss = 0;
      for (let round = 0; round < accumulate; round++) {
        const next = new Float64Array(buffers.length);
        for (let replica = 0; replica < replicas; replica++) {
          const index = round * replicas + replica;
          const result = await runner.run({
            parameters: Float32Array.from(parameters),
            buffers,
            images: part(images, index, parts),
            targets: part(targets, index, parts),
          });
          loss += result.loss![0]! / parts;
          logits.push(...result.logits!);
          for (let i = 0; i < gradient.length; i++) gradient[i]! += result.gradient![i]! / parts;
          for (let i = 0; i < next.length; i++) next[i]! += result.next_buffers![i]! / replicas;
        }
        buffers = Float32Array.from(next);
      }
      for (let i = 0; i < parameters.length; i++) {
        momentum[i] = SGD.momentum * momentum[i]! + gradient[i]! + SGD.weightDecay * parameters[i]!;
        parameters[i]! -= rateOf(step) * momentum[i]!;
      }
      results.push({ loss, logits, parameters: parameters.slice(), momentum: momentum.slice(), buffers });
    }
    return results;
  } finally {
    await runner.close();
  }
}

/** All steps on an engine, which is closed. */
async function trained(engine: TrainingEngine): Promise<{ losses: number[]; state: TrainingState }> {
  try {
    const losses: number[] = [];
    for (const [step, { images, targets }] of batches.entries()) {
      losses.push((await engine.step(images, targets, rateOf(step))).loss);
    }
    return { losses, state: copyState(await engine.state) };
  } finally {
    await engine.close();
  }
}

function gradientGraph(model: Graph, batchSize: number): Graph {
  return buildGradientGraph(model, vectorLayout(model), { batchSize, blockSize: 0 });
}

function initial(model: Graph): Feeds {
  const layout = vectorLayout(model);
  return { parameters: packVector(model, layout.parameters), buffers: packVector(model, layout.buffers) };
}

function part(array: Float32Array, index: number, parts: number): Float32Array {
  const size = array.length / parts;
  return array.slice(index * size, (index + 1) * size);
}

function classifier(b: CaseNet, body: (x: string) => string): void {
  const features = b.node('Flatten', [b.pool(body(b.input([BATCH, 3, SIZE, SIZE])))], { axis: int(1) });
  b.output(b.node('Gemm', [features, b.weight([CLASSES, 8]), b.weight([CLASSES])], { transB: int(1) }));
}

/** The engines choose the batch themselves. */
function openBatch({ graph }: CaseNet): Graph {
  for (const value of [...graph.inputs, ...graph.outputs]) value.dims[0] = 'batch';
  return graph;
}

function close(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  assert.equal(actual.length, expected.length, what);
  if (expected.length === 0) return;
  const error = relativeError64(Float32Array.from(actual), expected);
  assert.ok(error <= TOLERANCE, `${what}: relative error ${error}`);
}
