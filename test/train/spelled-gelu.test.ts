import assert from 'node:assert/strict';
import { it } from 'node:test';
import { recognizeGelu } from '../../core/onnx/passes/recognize-gelu.ts';
import { differentiate } from '../../train/gradients/differentiate.ts';
import { CaseNet } from './support/case-net.ts';
import { GELU_SPELLINGS } from './support/operator-cases.ts';

/* That the gradients are right is a matter of gradients.test.ts, which has these spellings too. */

for (const [name, build] of GELU_SPELLINGS) {
  const isGelu = !name.startsWith('almost');
  it(`${name}: ${isGelu ? 'is a GELU' : 'stays what it is'}`, () => {
    const net = new CaseNet(1);
    const x = net.input([2, 5]);
    net.output(build(net, x));
    const ops = recognizeGelu(net.graph).nodes.map(({ op }) => op);
    assert.equal(ops.includes('Gelu'), isGelu);
    const trained = differentiate(net.graph, [x]).graph.nodes.map(({ op }) => op);
    // Nothing of the spelling is computed or kept.
    assert.deepEqual([trained.includes('Erf'), trained.includes('GeluGrad')], [!isGelu, isGelu]);
  });
}

it('is no GELU where something else reads what is between', () => {
  const net = new CaseNet(1);
  const x = net.input([2, 5]);
  const erf = net.node('Erf', [net.node('Div', [x, net.floats([Math.SQRT2], [])])]);
  const sum = net.node('Add', [erf, net.floats([1], [])]);
  net.output(net.mul(net.mul(x, sum), net.floats([0.5], [])));
  net.output(sum);
  assert.ok(!recognizeGelu(net.graph).nodes.some(({ op }) => op === 'Gelu'));
});

it('the gradient of all slices of an axis is one Concat, without Pad and Add', () => {
  const opsOf = (...parts: [number, number][]) => {
    const net = new CaseNet(1);
    const x = net.input([6, 4]);
    for (const [from, to] of parts) {
      net.output(net.node('Slice', [x, ...[from, to, 0].map((value) => net.integers([value]))]));
    }
    return differentiate(net.graph, [x]).graph.nodes.map(({ op }) => op);
  };
  assert.deepEqual(opsOf([0, 2], [2, 5], [5, 6]), ['Slice', 'Slice', 'Slice', 'Concat']);
  assert.ok(opsOf([0, 2], [2, 5]).includes('Pad'));
});
