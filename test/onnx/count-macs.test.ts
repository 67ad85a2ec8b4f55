import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildModel } from '../../core/models/zoo.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { countMacs } from '../../core/onnx/count-macs.ts';
import { type Dim, floatTensor, type Graph, int, ints, sizeOf } from '../../core/onnx/graph.ts';
import { foldBatchNorm } from '../../core/onnx/passes/fold-batch-norm.ts';

describe('multiply-accumulates', () => {
  // As published for 32 x 32 images, in millions; the numbers of the literature are rounded.
  for (const [name, millions] of [
    ['resnet20', 41],
    ['resnet32', 69],
    ['resnet56', 126],
    ['resnet18', 556],
    ['resnet34', 1160],
    ['resnet50', 1300],
    ['resnet101', 2520],
    ['resnet152', 3730],
  ] as const) {
    it(`of ${name} are about ${millions} M`, () => {
      const graph = buildModel(name, { numClasses: 100 });
      const counted = countMacs(graph) / 1e6;
      assert.ok(Math.abs(counted / millions - 1) < 0.01, `${counted} M`);
      assert.equal(countMacs(foldBatchNorm(graph)), countMacs(graph));
    });
  }

  /** A conv in two groups with stride 2, then a linear layer and a matrix product. */
  function smallNet(batch: Dim): Graph {
    const b = new GraphBuilder('small');
    const weight = (name: string, ...dims: number[]) =>
      b.initializer(name, floatTensor(dims, new Float32Array(sizeOf(dims))));
    const x = b.input('input', 'float32', [batch, 4, 8, 8]);
    const conv = b.node('Conv', [x, weight('w', 6, 2, 3, 3), weight('wb', 6)], {
      group: int(2),
      strides: ints([2, 2]),
      pads: ints([1, 1, 1, 1]),
    });
    const flat = b.node('Flatten', [b.node('GlobalAveragePool', [b.node('Relu', [conv])])]);
    const gemm = b.node('Gemm', [flat, weight('fc', 5, 6)], { transB: int(1) });
    b.output(b.node('MatMul', [gemm, weight('m', 5, 7)], {}, { name: 'y' }), 'float32', [batch, 7]);
    return b.graph;
  }
  const expected = 6 * 4 * 4 * (2 * 3 * 3) + 6 * 5 + 5 * 7;

  it('are counted by hand for a small net', () => {
    assert.equal(countMacs(smallNet('batch')), expected);
  });

  it('are for one image, whatever the batch', () => {
    assert.equal(countMacs(smallNet(16)), expected);
  });

  it('are refused for an image of unknown size', () => {
    const b = new GraphBuilder('case');
    const x = b.input('input', 'float32', ['batch', 1, 'h', 4]);
    b.node('Conv', [x, b.initializer('w', floatTensor([1, 1, 1, 1], [1]))], {}, { name: 'y' });
    assert.throws(() => countMacs(b.graph), /node "Conv:y" \(Conv\): the size "h" is not known/);
  });
});
