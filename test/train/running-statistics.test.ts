import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor, int, ints, sizeOf } from '../../core/onnx/graph.ts';
import { differentiate } from '../../train/gradients/differentiate.ts';
import { buildStepGraph } from '../../train/lowering/ort/step-graph.ts';
import { packVector, vectorLayout } from '../../train/state.ts';
import { BLOCK_SIZES } from './support/block-sizes.ts';
import { buildCase, type CaseNet } from './support/case-net.ts';
import { relativeError64 } from './support/check-gradients.ts';
import { channelStatistics, evaluateGraph64 } from './support/reference.ts';
import { runOnce } from './support/step-runner.ts';

/*
 * Running statistics after a step: PyTorch's rule, new = momentum * old + (1 - momentum) * observed with the
 * unbiased variance. The statistics are sums over a few dozen values; 1e-5 is well above their rounding and a
 * biased variance of 36 values would be off by 3 %.
 */
const TOLERANCE = 1e-5;

const MOMENTA = [0.9, 0.75, 0.5];
const BATCH = 4;

for (const blockSize of BLOCK_SIZES) {
  describe(`running statistics, channel block ${blockSize}`, () => {
    it('move towards the statistics of the batch, each norm with its own momentum', async () => {
      const net = buildCase(classifier);
      const { graph } = net;
      const layout = vectorLayout(graph);
      const optimizer = { name: 'sgd' as const, momentum: 0, nesterov: false, weightDecay: 0 };
      const [input] = graph.inputs;
      const result = await runOnce(
        buildStepGraph(graph, layout, { batchSize: BATCH, optimizer, blockSize }),
        {
          images: Float32Array.from(net.given.get(input!.name)!.data),
          targets: new Float32Array(BATCH * 3).fill(1 / 3),
          learning_rate: Float32Array.of(0),
          parameters: packVector(graph, layout.parameters),
          momentum: new Float32Array(layout.parameterSize),
          buffers: packVector(graph, layout.buffers),
        },
      );
      const expected = expectedStatistics(net);
      assert.deepEqual(layout.buffers.map(({ name }) => name).sort(), [...expected.keys()].sort());
      for (const { name, offset, size } of layout.buffers) {
        const actual = result.next_buffers!.subarray(offset, offset + size);
        const error = relativeError64(actual, expected.get(name)!);
        assert.ok(error <= TOLERANCE, `${name}: relative error ${error}`);
      }
    });
  });
}

/** Norms with a residual, with ReLU, and alone; blocked and plain; one with few values a channel. */
function classifier(net: CaseNet): void {
  const x = net.conv(net.input([BATCH, 3, 6, 6]), 16, 3, { pads: 1, bias: true });
  const [first, second, third] = MOMENTA as [number, number, number];
  const y = net.relu(net.add(net.norm(x, { momentum: first }), x));
  const narrow = net.relu(net.norm(net.conv(y, 5, 3, { stride: 2 }), { momentum: second }));
  const pooled = net.norm(net.pool(narrow), { momentum: third });
  const features = net.node('Flatten', [pooled], { axis: int(1) });
  net.output(net.node('Gemm', [features, net.weight([3, 5]), net.weight([3])], { transB: int(1) }));
}

function expectedStatistics(net: CaseNet): Map<string, Float64Array> {
  const values = evaluateGraph64(net.graph, net.given);
  const norms = net.graph.nodes.filter((node) => node.op === 'BatchNormalization');
  assert.equal(norms.length, MOMENTA.length);
  return new Map(
    norms.flatMap(({ inputs }, i) => {
      const [x, , , meanName, varianceName] = inputs as [string, string, string, string, string];
      const { mean, unbiasedVariance } = channelStatistics(values.get(x)!);
      const mix = (name: string, observed: Float64Array): [string, Float64Array] => {
        const old = net.given.get(name)!;
        assert.equal(sizeOf(old.dims), observed.length);
        const keep = MOMENTA[i]!;
        return [name, observed.map((value, c) => keep * old.data[c]! + (1 - keep) * value)];
      };
      return [mix(meanName, mean), mix(varianceName, unbiasedVariance)];
    }),
  );
}

it('of a weight that is standardised are none, whether it is trained or frozen', () => {
  const b = new GraphBuilder('standardized');
  const weight = b.initializer('weight', floatTensor([1, 4, 3], [...Array(12).keys()]));
  const over = { axes: ints([0, 2]), keepdims: int(0) };
  const mean = b.node('ReduceMean', [weight], over);
  const variance = b.node('ReduceMean', [b.node('Mul', [weight, weight])], over);
  const ones = b.initializer('gain', floatTensor([4], [1, 1, 1, 1]));
  const zeros = b.initializer('shift', floatTensor([4], [0, 0, 0, 0]));
  const standardized = b.node('BatchNormalization', [weight, ones, zeros, mean, variance]);
  const matrix = b.node('Reshape', [standardized, b.int64([4, 3])]);
  const head = b.initializer('head', floatTensor([2, 4], [...Array(8).keys()]));
  b.node('MatMul', [head, b.node('MatMul', [matrix, b.input('x', 'float32', [3, 2])])], {}, { name: 'y' });
  b.output('y', 'float32', [2, 2]);
  assert.deepEqual(vectorLayout(b.graph).buffers, []);
  for (const wanted of [['weight', 'head'], ['head']])
    assert.equal(differentiate(b.graph, wanted, []).bufferUpdates.size, 0, wanted.join());
});
