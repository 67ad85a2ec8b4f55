import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import { loadTensorFlow } from '../../core/tensorflow/load-tfjs.ts';
import { GraphInterpreter } from '../../train/engine/tfjs/interpreter.ts';
import { TFJS_OPS } from '../../train/engine/tfjs/ops/index.ts';
import { plainAll } from '../../train/engine/tfjs/value.ts';
import { buildCase } from '../train/support/case-net.ts';
import { compareGradients, type Expectation, expectationOf } from '../train/support/check-gradients.ts';
import { COMBINED_CASES, GRADIENT_CASES, type GradientCase } from '../train/support/gradient-cases.ts';
import { channelStatistics, evaluateGraph64 } from '../train/support/reference.ts';
import type { Feeds } from '../train/support/step-runner.ts';
import { SKIP_WITHOUT_TENSORFLOW as skip } from './support/tensorflow.ts';

/*
 * The cases that the ort engine's gradient rules are tested with, against the same float64 reference and its
 * finite differences, to the same tolerances.
 */

/** Fewer finite differences than the rules are tested with: TensorFlow's kernels are tested where they are made. */
const PROBES = { elements: 24, directions: 3 };

it('every operator that the ort engine trains is there', () => {
  for (const op of Object.keys(GRADIENT_CASES)) assert.ok(TFJS_OPS.has(op), op);
});

for (const [op, cases] of Object.entries(GRADIENT_CASES)) describe(op, { skip }, () => testAll(cases));
describe('combined', { skip }, () => testAll(COMBINED_CASES));

function testAll(cases: readonly GradientCase[]): void {
  for (const { name, build, wanted } of cases) {
    it(name, async (t) => {
      const expected = expectationOf(buildCase(build), { ...PROBES, ...(wanted ? { wanted } : {}) });
      const worst = compareGradients(expected, await differentiated(expected));
      t.diagnostic(`worst relative error ${worst.toExponential(1)}`);
    });
  }
}

it('BatchNormalization observes mean and unbiased variance of each channel', { skip }, async () => {
  const tf = await loadTensorFlow();
  const net = buildCase((b) => b.output(b.norm(b.input([3, 5, 4, 3], { mean: 2, std: 3 }))));
  const [node] = net.graph.nodes;
  const { mean, unbiasedVariance } = channelStatistics(
    evaluateGraph64(net.graph, net.given).get(node!.inputs[0]!)!,
  );
  const observed = new Map<string, number[]>();
  const interpreter = new GraphInterpreter(tf, net.graph, new Set(net.given.keys()));
  const feeds = Object.fromEntries(
    [...net.given].map(([name, { dims, data }]) => [name, tf.tensor(Float32Array.from(data), [...dims])]),
  );
  tf.tidy(() => {
    interpreter.run(plainAll(feeds), (name, tensor) => observed.set(name, [...tensor.dataSync()]));
  });
  tf.dispose(feeds);
  for (const [name, expected] of [
    [node!.inputs[3]!, mean],
    [node!.inputs[4]!, unbiasedVariance],
  ] as const) {
    const actual = observed.get(name)!;
    assert.equal(actual.length, 5);
    actual.forEach((value, channel) => {
      assert.ok(
        Math.abs(value - expected[channel]!) <= 1e-5 * Math.abs(expected[channel]!),
        `${name}: ${actual}`,
      );
    });
  }
});

/** `value.<output>` and `gradient.<wanted>` of a case, of the outputs' sum weighted with the case's seeds. */
async function differentiated({ net, seeds, wanted }: Expectation): Promise<Feeds> {
  const tf = await loadTensorFlow();
  const before = tf.memory().numTensors;
  const interpreter = new GraphInterpreter(tf, net.graph, new Set(net.given.keys()));
  const tensors = new Map(
    [...net.given].map(([name, { dims, data }]) => [name, tf.tensor(Float32Array.from(data), [...dims])]),
  );
  const results: Feeds = {};
  const gradients = tf.grads((...variables) => {
    const moving = Object.fromEntries(wanted.map((name, i) => [name, variables[i] as Tensor]));
    const outputs = interpreter.run(plainAll({ ...Object.fromEntries(tensors), ...moving }));
    const terms = [...seeds].map(([name, { dims, data }]) => {
      results[`value.${name}`] = outputs[name]!.dataSync() as Float32Array;
      return tf.sum(tf.mul(outputs[name]!, tf.tensor(Float32Array.from(data), [...dims])));
    });
    return tf.addN(terms);
  })(wanted.map((name) => tensors.get(name)!));
  wanted.forEach((name, i) => {
    results[`gradient.${name}`] = gradients[i]!.dataSync() as Float32Array;
  });
  tf.dispose([...gradients, ...tensors.values()]);
  interpreter.dispose();
  assert.equal(tf.memory().numTensors, before, 'tensors left');
  return results;
}
