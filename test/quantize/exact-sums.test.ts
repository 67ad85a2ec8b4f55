import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeModel } from '../../core/onnx/model-file.ts';
import { exactInt8, sumsAreExact, sumsModel } from '../../core/runtime/exact-int8.ts';

test('8-bit sums are exact, and slower kernels are asked for only where they otherwise are not', async () => {
  const settings = await exactInt8();
  assert.ok(await sumsAreExact(settings));
  assert.equal(await sumsAreExact(), settings.x64quantprecision === undefined);
});

test('the model that is tried for it, which is written by hand, is what it is said to be', () => {
  const { graph, opset } = decodeModel(sumsModel());
  assert.equal(opset, 17);
  assert.deepEqual(
    graph.nodes.map(({ op, inputs, outputs }) => ({ op, inputs, outputs })),
    [{ op: 'MatMulInteger', inputs: ['a', 'b'], outputs: ['sums'] }],
  );
  assert.deepEqual(graph.inputs, [{ name: 'a', dtype: 'uint8', dims: [8, 64] }]);
  assert.deepEqual(graph.outputs, [{ name: 'sums', dtype: 'int32', dims: [8, 16] }]);
  const data = new Int8Array(64 * 16).fill(127);
  assert.deepEqual([...graph.initializers], [['b', { dtype: 'int8', dims: [64, 16], data }]]);
});
