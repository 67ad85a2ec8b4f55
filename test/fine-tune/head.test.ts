import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildModel, MODEL_NAMES } from '../../core/models/zoo.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor, type Graph, int, ints, sizeOf } from '../../core/onnx/graph.ts';
import { inferShapes } from '../../core/onnx/shape-inference.ts';
import { findHead, replaceHead, withoutProbabilities } from '../../train/fine-tune/head.ts';

/** Five classes of 12 features; `end` builds what makes scores of them. */
function net(end: (b: GraphBuilder, features: string) => string): Graph {
  const b = new GraphBuilder('net');
  const name = end(b, b.input('input', 'float32', ['batch', 12, 1, 1]));
  b.output(name, 'float32', ['batch', 5]);
  return b.graph;
}

const weight = (b: GraphBuilder, name: string, dims: readonly number[]): string =>
  b.initializer(name, floatTensor(dims, new Float32Array(sizeOf(dims)).fill(0.5)));

const flat = (b: GraphBuilder, x: string) => b.node('Flatten', [x]);
const gemm = (b: GraphBuilder, x: string) =>
  b.node('Gemm', [flat(b, x), weight(b, 'fc.weight', [5, 12]), weight(b, 'fc.bias', [5])], {
    transB: int(1),
  });
const conv = (b: GraphBuilder, x: string) =>
  b.node('Conv', [x, weight(b, 'classifier.weight', [5, 12, 1, 1]), weight(b, 'classifier.bias', [5])], {
    kernel_shape: ints([1, 1]),
  });

const ENDS: [what: string, graph: Graph, head: { weight: string; bias?: string; axis: number }][] = [
  ['Gemm', net(gemm), { weight: 'fc.weight', bias: 'fc.bias', axis: 0 }],
  [
    'Gemm of a weight that is not transposed, then Softmax',
    net((b, x) => b.node('Softmax', [b.node('Gemm', [flat(b, x), weight(b, 'w', [12, 5])])])),
    { weight: 'w', axis: 1 },
  ],
  [
    'MatMul and its bias',
    net((b, x) => {
      const product = b.node('MatMul', [flat(b, x), weight(b, 'w', [12, 5])]);
      return b.node('Add', [weight(b, 'bias', [5]), product]);
    }),
    { weight: 'w', bias: 'bias', axis: 1 },
  ],
  [
    'a 1x1 Conv, ReLU, mean and Reshape to the classes, as SqueezeNet has',
    net((b, x) => {
      const mean = b.node('GlobalAveragePool', [b.node('Relu', [conv(b, x)])]);
      return b.node('Reshape', [mean, b.int64([-1, 5])]);
    }),
    { weight: 'classifier.weight', bias: 'classifier.bias', axis: 0 },
  ],
];

for (const [what, graph, { weight, bias, axis }] of ENDS) {
  describe(what, () => {
    it('is found', () => {
      const head = findHead(graph);
      assert.deepEqual([head.weight, head.bias, head.axis, head.classes], [weight, bias, axis, 5]);
    });

    it('is replaced by one of 7 classes, and all that comes after it goes with it', () => {
      const replaced = replaceHead(graph, findHead(graph), 7, 1);
      assert.deepEqual(inferShapes(replaced).get(replaced.outputs[0]!.name)?.dims, ['batch', 7]);
      const values = [...(replaced.initializers.get(weight)!.data as Float32Array)];
      assert.equal(values.length, 7 * 12);
      assert.ok(values.every((value) => Math.abs(value) <= 1 / Math.sqrt(12)));
      assert.ok(new Set(values).size > 70, 'drawn, not filled');
      assert.equal(graph.initializers.get(weight)!.data.length, 5 * 12, 'the given graph stays');
    });
  });
}

it('the zoo: the classifier of every kind of net', () => {
  for (const name of MODEL_NAMES.filter((name) => !name.startsWith('se_'))) {
    const { weight, classes } = findHead(buildModel(name, { numClasses: 11, imageSize: 64 }));
    assert.equal(classes, 11, `${name}: ${weight}`);
    assert.match(weight, /^(fc|classifier|classifier\.\d|_fc)\.weight$/, name);
  }
});

it('a head is named by its node, its weight or its output', () => {
  const graph = net((b, x) => b.node('Mul', [gemm(b, x), gemm2(b, x)]));
  assert.throws(
    () => findHead(graph),
    /before the scores stands a Mul \("Mul:mul"\); name it with --head NODE/,
  );
  for (const name of ['Gemm:gemm_1', 'other.weight', 'gemm_1']) {
    assert.equal(findHead(graph, name).weight, 'other.weight');
  }
  assert.throws(() => findHead(graph, 'Mul:mul'), /--head Mul:mul: that is a Mul, not a Gemm/);
  assert.throws(() => findHead(graph, 'nothing'), /--head nothing: that is no node/);
});

function gemm2(b: GraphBuilder, x: string): string {
  return b.node('Gemm', [b.node('Flatten', [x]), weight(b, 'other.weight', [5, 12])], { transB: int(1) });
}

it('what makes probabilities of scores is left out, the output keeps its name', () => {
  const graph = net((b, x) => b.node('Log', [b.node('Softmax', [gemm(b, x)])]));
  const scores = withoutProbabilities(graph);
  assert.deepEqual(
    scores.nodes.map(({ op }) => op),
    ['Flatten', 'Gemm'],
  );
  assert.deepEqual(scores.nodes.at(-1)!.outputs, ['log']);
});
