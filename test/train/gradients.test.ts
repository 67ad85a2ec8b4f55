import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RULES } from '../../train/gradients/rules.ts';
import { BLOCK_SIZES } from './support/block-sizes.ts';
import { buildCase } from './support/case-net.ts';
import { checkGradients, expectationOf } from './support/check-gradients.ts';
import { COMBINED_CASES, GRADIENT_CASES, type GradientCase } from './support/gradient-cases.ts';
import { OPERATOR_CASES } from './support/operator-cases.ts';

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

for (const [op, cases] of Object.entries(ALL_CASES)) describe(op, () => testAll(cases));
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
