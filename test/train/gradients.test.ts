import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ints } from '../../core/onnx/graph.ts';
import { RULES } from '../../train/gradients/rules.ts';
import { BLOCK_SIZES } from './support/block-sizes.ts';
import { buildCase, CaseNet } from './support/case-net.ts';
import { checkGradients, differentiated, expectationOf, feedsOf } from './support/check-gradients.ts';
import { COMBINED_CASES, GRADIENT_CASES, type GradientCase } from './support/gradient-cases.ts';
import { BATCH_NORM_CASES, OPERATOR_CASES } from './support/operator-cases.ts';
import { runOnce } from './support/step-runner.ts';

const ALL_CASES = { ...GRADIENT_CASES, ...OPERATOR_CASES };

/* Every gradient rule against central finite differences of a float64 reference; the support files say how. */

it('every operator with a training rule has cases, and the cases have it', () => {
  assert.deepEqual(Object.keys(ALL_CASES).sort(), [...RULES.keys()].sort());
  for (const [op, cases] of Object.entries(ALL_CASES)) {
    assert.ok(cases.length > 0);
    for (const { name, build } of cases) {
      const ops = buildCase(build).graph.nodes.map((node) => node.op);
      assert.ok(ops.includes(op), `${op}, ${name}`);
    }
  }
});

it('of equal values that are pooled the first takes the gradient, as in PyTorch', async () => {
  const net = new CaseNet(1);
  const x = net.input([2, 16, 3, 4], { mean: 1, std: 0 });
  const window = { kernel_shape: ints([3, 3]), strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) };
  net.output(net.node('MaxPool', [x], window));
  const expected = expectationOf(net, { wanted: () => [] });
  // The first pixels on the image of 2 x 2 windows, in rows of 4.
  const [seed] = [...expected.seeds.values()].map(({ data }) => data);
  const gradient = new Float32Array(2 * 16 * 12);
  for (const [i, value] of seed!.entries()) gradient[Math.floor(i / 4) * 12 + [0, 1, 4, 5][i % 4]!] = value;
  const results = await runOnce(differentiated({ ...expected, wanted: [x] }, 0), feedsOf(expected));
  assert.deepEqual(results[`gradient.${x}`], gradient);
});

for (const [op, cases] of Object.entries(ALL_CASES)) describe(op, () => testAll(cases));
describe('BatchNormalization of other axes', () => testAll(BATCH_NORM_CASES));
describe('combined', () => testAll(COMBINED_CASES));

function testAll(cases: readonly GradientCase[]): void {
  for (const { name, build, wanted } of cases) {
    it(name, async (t) => {
      const expected = expectationOf(buildCase(build), wanted ? { wanted } : {});
      for (const blockSize of BLOCK_SIZES) {
        try {
          const worst = await checkGradients(expected, blockSize);
          t.diagnostic(`block ${blockSize}: worst relative error ${worst.toExponential(1)}`);
        } catch (error) {
          throw new Error(`channel block ${blockSize}: ${(error as Error).message}`, { cause: error });
        }
      }
    });
  }
}
