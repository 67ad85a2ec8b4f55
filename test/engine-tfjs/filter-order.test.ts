import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor } from '../../core/onnx/graph.ts';
import { FilterOrder } from '../../train/lowering/tfjs/filter-order.ts';
import { vectorLayout } from '../../train/state.ts';

/** Values 0, 1, 2, ... */
const count = (size: number, from = 0) => Array.from({ length: size }, (_, i) => from + i);

test('filters are [H, W, in, out] on the device, and nothing else is touched', () => {
  const b = new GraphBuilder('net');
  const x = b.input('x', 'float32', [1, 3, 8, 8]);
  b.initializer('alone', floatTensor([2, 3, 1, 2], count(12)));
  b.initializer('shared', floatTensor([1, 2, 1, 2], count(4)));
  b.initializer('bias', floatTensor([2], count(2)));
  const y = b.node('Conv', [x, 'alone', 'bias']);
  const z = b.node('Conv', [y, 'shared']);
  b.node('Add', [z, b.node('ReduceSum', ['shared', b.int64([0])])], {}, { name: 'out' });
  b.output('out', 'float32', [1, 1, 8, 6]);
  const layout = vectorLayout(b.graph);
  const order = new FilterOrder(b.graph, layout);
  assert.ok(order.isFilter('alone'));
  // Its other reader wants it as it is.
  assert.ok(!order.isFilter('shared'));
  assert.ok(!order.isFilter('bias'));

  const vector = new Float32Array(layout.parameterSize);
  const place = new Map(layout.parameters.map((segment) => [segment.name, segment]));
  for (const { offset, size } of layout.parameters) vector.set(count(size), offset);
  const of = (whole: Float32Array, name: string) => {
    const { offset, size } = place.get(name)!;
    return [...whole.subarray(offset, offset + size)];
  };
  const onDevice = order.toDevice(vector);
  // out o, in i, column w is 6 o + 2 i + w.
  assert.deepEqual(of(onDevice, 'alone'), [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]);
  assert.deepEqual(of(onDevice, 'bias'), [0, 1]);
  assert.deepEqual(order.fromDevice(onDevice), vector);

  const other = Float32Array.of(3, 1, 2);
  assert.deepEqual(order.toDevice(other), other);
  assert.notEqual(order.toDevice(other), other);
});
