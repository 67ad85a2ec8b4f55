import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { type Graph, int } from '../../core/onnx/graph.ts';
import { Random } from '../../core/random.ts';
import { OrtEngine } from '../../train/engine/ort-engine.ts';
import { ReplicaEngine } from '../../train/engine/replicas/replica-engine.ts';
import { buildCase, type CaseNet } from './support/case-net.ts';
import { relativeError64 } from './support/check-gradients.ts';

/** Both sides compute in float32 and only sum in another order. */
const TOLERANCE = 1e-5;
const [BATCH, CLASSES, SIZE] = [6, 3, 6];
const RATE = 0.1;

const net = buildCase(classifier);
// The engines choose the batch themselves.
for (const value of [...net.graph.inputs, ...net.graph.outputs]) value.dims[0] = 'batch';
const random = new Random(5);
const images = Float32Array.from({ length: BATCH * 3 * SIZE * SIZE }, () => random.normal());
const targets = Float32Array.from({ length: BATCH * CLASSES }, () => random.uniform());

describe('replicas', () => {
  it('move the momentum as a single engine does', async () => {
    const momentumCycle = { totalSteps: 4, warmupFraction: 0.5 };
    for (const name of ['sgd', 'adamw'] as const) {
      const optimizer = { name, momentum: 0.9, nesterov: true, weightDecay: 0.01, momentumCycle };
      const options = { batchSize: BATCH, optimizer, threads: 1 };
      const [many, single] = [
        await ReplicaEngine.create(net.graph, { ...options, replicas: 1 }),
        await OrtEngine.create(net.graph, options),
      ];
      try {
        for (let step = 0; step < 4; step++) {
          for (const engine of [many, single]) await engine.step(images, targets, RATE / 10);
        }
        close(many.state.parameters, single.state.parameters, `${name} parameters`);
        const [slot] = Object.keys(single.state.slots);
        close(many.state.slots[slot!]!, single.state.slots[slot!]!, `${name} ${slot}`);
      } finally {
        await many.close();
        await single.close();
      }
    }
  });

  it('take the mean of what a single engine makes of each share', async () => {
    const optimizer = { name: 'sgd' as const, momentum: 0.9, nesterov: false, weightDecay: 0.01 };
    const shares = 3;
    const engine = await ReplicaEngine.create(net.graph, { batchSize: BATCH, optimizer, replicas: shares });
    try {
      const { loss, logits } = await engine.step(images, targets, RATE);
      const single = await Promise.all(
        Array.from({ length: shares }, (_, i) => stepOnce(net.graph, part(images, i), part(targets, i))),
      );
      const mean = (of: (result: (typeof single)[number]) => Float32Array) =>
        of(single[0]!).map((_, k) => single.reduce((sum, result) => sum + of(result)[k]!, 0) / shares);
      // From momentum 0 the first step is linear in the gradient, so means of results are results of means.
      close(
        engine.state.parameters,
        mean(({ state }) => state.parameters),
        'parameters',
      );
      close(
        engine.state.slots.momentum!,
        mean(({ state }) => state.slots.momentum!),
        'momentum',
      );
      close(
        engine.state.buffers,
        mean(({ state }) => state.buffers),
        'running statistics',
      );
      close(logits, Float32Array.from(single.flatMap((result) => [...result.logits])), 'logits');
      close(
        Float32Array.of(loss),
        mean((result) => Float32Array.of(result.loss)),
        'loss',
      );
    } finally {
      await engine.close();
    }

    async function stepOnce(graph: Graph, shareImages: Float32Array, shareTargets: Float32Array) {
      const one = await OrtEngine.create(graph, { batchSize: BATCH / shares, optimizer, threads: 1 });
      try {
        const { loss, logits } = await one.step(shareImages, shareTargets, RATE);
        return { loss, logits: logits.slice(), state: one.state };
      } finally {
        await one.close();
      }
    }

    function part(array: Float32Array, index: number): Float32Array {
      const size = array.length / shares;
      return array.slice(index * size, (index + 1) * size);
    }
  });

  it('go on from a loaded state as a single engine does, one replica being the whole batch', async () => {
    const optimizer = { name: 'sgd' as const, momentum: 0.9, nesterov: true, weightDecay: 0.01 };
    const engine = await ReplicaEngine.create(net.graph, { batchSize: BATCH, optimizer, replicas: 1 });
    const single = await OrtEngine.create(net.graph, { batchSize: BATCH, optimizer, threads: 1 });
    try {
      await single.step(images, targets, RATE);
      engine.load(single.state);
      for (let step = 0; step < 2; step++) {
        const { loss } = await single.step(images, targets, RATE);
        const replicated = await engine.step(images, targets, RATE);
        close(Float32Array.of(replicated.loss), Float32Array.of(loss), 'loss');
      }
      const [actual, expected] = [engine.state, single.state];
      close(actual.parameters, expected.parameters, 'parameters');
      close(actual.slots.momentum!, expected.slots.momentum!, 'momentum');
      close(actual.buffers, expected.buffers, 'running statistics');
    } finally {
      await Promise.all([engine.close(), single.close()]);
    }
  });

  it('refuse a batch that cannot be shared out equally', async () => {
    const optimizer = { name: 'sgd' as const, momentum: 0, nesterov: false, weightDecay: 0 };
    const options = { batchSize: BATCH, optimizer, replicas: 4 };
    await assert.rejects(ReplicaEngine.create(net.graph, options), (error: unknown) => {
      assert.ok(error instanceof UserError);
      return /a batch of 6 cannot be shared out .*4 replicas/.test(error.message);
    });
  });
});

function classifier(b: CaseNet): void {
  const x = b.relu(b.norm(b.conv(b.input([BATCH, 3, SIZE, SIZE]), 16, 3, { pads: 1 })));
  const features = b.node('Flatten', [b.pool(x)], { axis: int(1) });
  b.output(b.node('Gemm', [features, b.weight([CLASSES, 16]), b.weight([CLASSES])], { transB: int(1) }));
}

function close(actual: Float32Array, expected: Float32Array, what: string): void {
  const error = relativeError64(actual, expected);
  assert.ok(error <= TOLERANCE, `${what}: relative error ${error}`);
}
