import assert from 'node:assert/strict';
import { it } from 'node:test';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor, int } from '../../core/onnx/graph.ts';
import { Random } from '../../core/random.ts';
import { addOperator } from '../../index.ts';
import { OrtEngine } from '../../train/engine/ort-engine.ts';

/* CONTRIBUTING's steps suffice: an operator without a rule is trained once it has one, by nothing but that. */

const [BATCH, INPUTS, CLASSES] = [3, 5, 4];

function net() {
  const random = new Random(5);
  const b = new GraphBuilder('net');
  const values = Float32Array.from({ length: CLASSES * INPUTS }, () => random.normal());
  const weight = b.initializer('weight', floatTensor([CLASSES, INPUTS], values));
  const x = b.input('input', 'float32', ['batch', INPUTS]);
  b.node('Shrink', [b.node('Gemm', [x, weight], { transB: int(1) })], {}, { name: 'logits' });
  b.output('logits', 'float32', ['batch', CLASSES]);
  return b.graph;
}

const options = {
  batchSize: BATCH,
  optimizer: { name: 'sgd' as const, momentum: 0, nesterov: false, weightDecay: 0 },
};

it('an operator is added by its rule, and its gradient is the slope of the loss', async () => {
  await assert.rejects(OrtEngine.create(net(), options), /the operator Shrink .* cannot be trained/);
  await addOperator('Shrink', {
    rule: { backward: (g, { y }, [dy]) => [g.where(g.equal(y, g.constant(0)), g.constant(0), dy!)] },
  });
  const engine = await OrtEngine.create(net(), options);
  const images = Float32Array.from({ length: BATCH * INPUTS }, (_, i) => Math.sin(3 * i));
  const targets = Float32Array.from({ length: BATCH * CLASSES }, (_, i) => (i % (CLASSES + 1) === 0 ? 1 : 0));
  const before = structuredClone(engine.state);
  const lossAt = async (index: number, step: number) => {
    const parameters = before.parameters.slice();
    parameters[index]! += step;
    engine.load({ ...before, parameters });
    return (await engine.step(images, targets, 0)).loss;
  };
  engine.load(before);
  await engine.step(images, targets, 1);
  const gradient = before.parameters.map((value, i) => value - engine.state.parameters[i]!);
  for (const index of [0, 7, 13, 19]) {
    const slope = ((await lossAt(index, 0.02)) - (await lossAt(index, -0.02))) / 0.04;
    assert.ok(
      Math.abs(gradient[index]! - slope) < 2e-3 * Math.max(...gradient.map(Math.abs)),
      `${index}: ${slope}`,
    );
  }
  await engine.close();
});
