import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Graph } from '../../core/onnx/graph.ts';
import { vectorLayout } from '../../train/state.ts';
import { bothEngines, checkAgreement, GENERATED, type Step, TOLERANCE } from './support/cross-check.ts';
import { fixtureCase, type NetCase, netOf, withoutKinks } from './support/net-case.ts';
import { relativeError } from './support/relative-error.ts';
import { SKIP_WITHOUT_TENSORFLOW as skip } from './support/tensorflow.ts';

const CASES: { name: string; net: NetCase; prepare?: (model: Graph) => Graph | Promise<Graph> }[] = [
  { name: 'resnet20', net: fixtureCase('resnet20', 3) },
  { name: 'resnet18', net: fixtureCase('resnet18', 2) },
  {
    name: 'se_resnet20 without kinks',
    net: { ...GENERATED, model: 'se_resnet20', imageSize: 32, learningRates: [0.05, 0.03, 0.01] },
    prepare: withoutKinks,
  },
];

describe('tfjs agrees with ort on losses, logits, gradients, weights and running statistics', {
  skip,
}, () => {
  for (const { name, net, prepare } of CASES) {
    it(name, async (t) => {
      const model = prepare ? await prepare(netOf(net)) : netOf(net);
      await checkAgreement(t, model, net);
    });
  }
});

describe('a net as it is, where a kink of ReLU does not show: going forward', { skip }, () => {
  const net: NetCase = { ...GENERATED, model: 'se_resnet20', imageSize: 32, learningRates: [0] };
  it(net.model, async () => {
    const model = netOf(net);
    const [[a], [b]] = await bothEngines(model, net);
    const errors = {
      loss: relativeError(Float32Array.of(a!.loss), Float32Array.of(b!.loss)),
      logits: relativeError(a!.logits, b!.logits),
      ...Object.fromEntries(
        vectorLayout(model).buffers.map(({ name, offset, size }) => {
          const of = ({ state }: Step) => state.buffers.subarray(offset, offset + size);
          return [name, relativeError(of(a!), of(b!))];
        }),
      ),
    };
    for (const [what, error] of Object.entries(errors)) {
      assert.ok(error <= TOLERANCE, `${what}: ${error.toExponential(1)}`);
    }
  });
});
