import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadTensorFlow } from '../../core/tensorflow/load-tfjs.ts';
import { differentiate } from '../../train/gradients/differentiate.ts';
import type { TrainingGraph } from '../../train/gradients/training-graph.ts';
import { GraphInterpreter } from '../../train/lowering/tfjs/interpreter.ts';
import { Kernels } from '../../train/lowering/tfjs/kernels.ts';
import { plain, toPlain } from '../../train/lowering/tfjs/value.ts';
import { buildCase } from '../train/support/case-net.ts';
import { compareGradients, type Expectation, expectationOf } from '../train/support/check-gradients.ts';
import { COMBINED_CASES, GRADIENT_CASES, type GradientCase } from '../train/support/gradient-cases.ts';
import { OPERATOR_CASES } from '../train/support/operator-cases.ts';
import { channelStatistics, evaluateGraph64, type Values } from '../train/support/reference.ts';
import type { Feeds } from '../train/support/step-runner.ts';
import { SKIP_WITHOUT_TENSORFLOW as skip } from './support/tensorflow.ts';

/*
 * The cases that the rules are tested with through the ort engine, against the same float64 reference and its finite
 * differences, to the same tolerances.
 */

/** Fewer finite differences than the rules are tested with: TensorFlow's kernels are tested where they are made. */
const PROBES = { elements: 32, directions: 2 };

for (const [op, cases] of Object.entries({ ...GRADIENT_CASES, ...OPERATOR_CASES })) {
  describe(op, { skip }, () => testAll(cases));
}
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
  const net = buildCase((b) => b.output(b.norm(b.input([3, 5, 4, 3], { mean: 2, std: 3 }))));
  const [node] = net.graph.nodes;
  const { mean, unbiasedVariance } = channelStatistics(
    evaluateGraph64(net.graph, net.given).get(node!.inputs[0]!)!,
  );
  const training = differentiate(net.graph, [node!.inputs[1]!], [...net.buffers]);
  const results = await run(training, net.given, onesFor(training));
  for (const [name, expected] of [
    [node!.inputs[3]!, mean],
    [node!.inputs[4]!, unbiasedVariance],
  ] as const) {
    const actual = [...results.get(training.bufferUpdates.get(name)!.observed)!];
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
  const training = differentiate(net.graph, wanted, [...net.buffers]);
  const seeding = new Map([...seeds].map(([name, seed]) => [`seed.${name}`, seed]));
  const results = await run(training, net.given, seeding);
  return Object.fromEntries([
    ...[...training.outputs].map(([name, value]) => [`value.${name}`, results.get(value)!]),
    ...[...training.gradients].map(([name, value]) => [`gradient.${name}`, results.get(value)!]),
  ]);
}

/** All outputs of a training graph, which must leave no tensor. */
async function run(
  training: TrainingGraph,
  given: Values,
  seeds: Values,
): Promise<Map<string, Float32Array>> {
  const tf = await loadTensorFlow();
  const before = tf.memory().numTensors;
  const interpreter = new GraphInterpreter(tf, training);
  const results = new Map<string, Float32Array>();
  tf.tidy(() => {
    const values = new Map([...given, ...seeds]);
    const feeds = training.graph.inputs.map(({ name }) => {
      const { dims, data } = values.get(name)!;
      return [name, plain(tf.tensor(Float32Array.from(data), [...dims]))] as const;
    });
    for (const [name, value] of interpreter.run(Object.fromEntries(feeds))) {
      results.set(name, toPlain(new Kernels(tf), value).dataSync() as Float32Array);
    }
  });
  interpreter.dispose();
  assert.equal(tf.memory().numTensors, before, 'tensors left');
  return results;
}

const onesFor = ({ graph }: TrainingGraph): Values =>
  new Map(
    graph.inputs
      .filter(({ name }) => name.startsWith('seed.'))
      .map(({ name, dims }) => {
        const sizes = dims.map(Number);
        return [name, { dims: sizes, data: new Float64Array(sizes.reduce((a, b) => a * b, 1)).fill(1) }];
      }),
  );
