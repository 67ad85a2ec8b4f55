import assert from 'node:assert/strict';
import { it } from 'node:test';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor, int } from '../../core/onnx/graph.ts';
import { initializerRoles } from '../../core/onnx/roles.ts';
import { trainableModel } from '../../train/trainable-model.ts';

it('a weight of one number that several nodes read becomes one of each, another stays shared', async () => {
  const b = new GraphBuilder('net');
  const filled = b.initializer('filled', floatTensor([4], [0, 0, 0, 0]));
  const scale = b.initializer('scale', floatTensor([4], [1, 2, 3, 4]));
  const first = b.node('LayerNormalization', [b.input('x', 'float32', ['batch', 4]), scale, filled]);
  b.node('LayerNormalization', [first, scale, filled], {}, { name: 'y' });
  b.output('y', 'float32', ['batch', 4]);
  const model = await trainableModel({ graph: b.graph, opset: 17 });
  assert.deepEqual(initializerRoles(model).parameters, ['scale', 'filled', 'filled_1']);
  assert.deepEqual(
    model.nodes.map(({ inputs }) => inputs.slice(1)),
    [
      ['scale', 'filled'],
      ['scale', 'filled_1'],
    ],
  );
});

it('the zeros that an exporter gives a convolution for a bias are none', async () => {
  const b = new GraphBuilder('net');
  const weight = b.initializer('weight', floatTensor([4, 3, 1, 1], new Float32Array(12).fill(0.5)));
  const zero = b.initializer('zero', floatTensor([], [0]));
  const x = b.input('x', 'float32', ['batch', 3, 2, 2]);
  const plain = b.node('Conv', [x, weight, b.node('Expand', [zero, b.int64([4])])]);
  const learned = b.initializer('bias', floatTensor([4], [0, 0, 0, 0]));
  const square = b.initializer('square', floatTensor([4, 4, 1, 1], new Float32Array(16).fill(0.25)));
  b.node('Conv', [plain, square, learned], {}, { name: 'y' });
  b.output('y', 'float32', ['batch', 4, 2, 2]);
  const model = await trainableModel({ graph: b.graph, opset: 17 });
  assert.deepEqual(
    model.nodes.map(({ inputs }) => inputs),
    [
      ['x', 'weight'],
      [plain, 'square', 'bias'],
    ],
  );
  assert.deepEqual(initializerRoles(model).parameters, ['weight', 'square', 'bias']);
});

it('what is computed of sizes and single numbers is no weight once it is folded, nor when it is read again', async () => {
  const b = new GraphBuilder('net');
  const weight = b.initializer('weight', floatTensor([4, 3], new Float32Array(12).fill(0.5)));
  const scale = b.initializer('scale', floatTensor([4], [1, 1, 1, 1]));
  const spread = (value: number) =>
    b.node('Expand', [b.initializer(`${value}`, floatTensor([], [value])), b.int64([4])]);
  const x = b.node('MatMul', [weight, b.input('x', 'float32', [3, 4])]);
  const normed = b.node('LayerNormalization', [x, scale, spread(0)]);
  const counted = b.node(
    'Range',
    [0, 4, 1].map((value) => b.int64([value], [])),
  );
  const sines = b.node('Sin', [b.node('Cast', [counted], { to: int(1) })]);
  b.node('Add', [b.node('Mul', [normed, spread(1)]), sines], {}, { name: 'y' });
  b.output('y', 'float32', [4, 4]);
  const model = await trainableModel({ graph: b.graph, opset: 17 });
  assert.deepEqual(
    model.nodes.map(({ op }) => op),
    ['MatMul', 'LayerNormalization', 'Mul', 'Add'],
  );
  for (const graph of [model, await trainableModel({ graph: model, opset: 17 })])
    assert.deepEqual(initializerRoles(graph).parameters, ['weight', 'scale']);
});

it('a weight that is kept in eight or sixteen bits is one all the same', async () => {
  const b = new GraphBuilder('net');
  const bytes = b.initializer('bytes', { dtype: 'int8', dims: [4, 3], data: new Int8Array(12).fill(7) });
  const step = b.initializer('step', floatTensor([], [0.1]));
  const weight = b.node('DequantizeLinear', [bytes, step], {}, { name: 'weight' });
  b.node('MatMul', [weight, b.input('x', 'float32', [3, 4])], {}, { name: 'y' });
  b.output('y', 'float32', [4, 4]);
  const model = await trainableModel({ graph: b.graph, opset: 17 });
  assert.deepEqual(initializerRoles(model).parameters, ['weight']);
});
