import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { cloneGraph, countUses, float, floatTensor, int, ints, str } from '../../core/onnx/graph.ts';

describe('the graph builder', () => {
  it('appends nodes in order, named by their first output', () => {
    const b = new GraphBuilder('net');
    const x = b.input('x', 'float32', ['batch', 3]);
    const y = b.node('Relu', [x]);
    const [z, indices] = b.nodes(
      'TopK',
      [y, ''],
      2,
      { axis: int(1) },
      { name: 'top', domain: 'com.example' },
    );
    b.output(z!, 'float32', ['batch', 1]);
    assert.deepEqual([x, y, z, indices], ['x', 'relu', 'top', 'top_1']);
    assert.deepEqual(b.graph, {
      name: 'net',
      inputs: [{ name: 'x', dtype: 'float32', dims: ['batch', 3] }],
      outputs: [{ name: 'top', dtype: 'float32', dims: ['batch', 1] }],
      nodes: [
        { op: 'Relu', domain: '', name: 'Relu:relu', inputs: ['x'], outputs: ['relu'], attributes: {} },
        {
          op: 'TopK',
          domain: 'com.example',
          name: 'TopK:top',
          inputs: ['relu', ''],
          outputs: ['top', 'top_1'],
          attributes: { axis: int(1) },
        },
      ],
      initializers: new Map(),
    });
  });

  it('never gives a name twice', () => {
    const b = new GraphBuilder('net');
    b.input('relu', 'float32', [1]);
    b.initializer('relu_2', floatTensor([], [0]));
    const names = Array.from({ length: 4 }, () => b.node('Relu', ['relu']));
    assert.deepEqual(names, ['relu_1', 'relu_3', 'relu_4', 'relu_5']);
    assert.equal(b.unique('other'), 'other');
    assert.equal(b.unique('other'), 'other_1');
  });

  it('avoids the names of a graph it goes on with', () => {
    const first = new GraphBuilder('net');
    const x = first.input('x', 'float32', [1]);
    first.initializer('w', floatTensor([], [0]));
    first.nodes('Split', [x], 2, {}, { name: 'part' });
    const b = new GraphBuilder(cloneGraph(first.graph));
    for (const name of ['x', 'w', 'part', 'part_1']) assert.notEqual(b.unique(name), name);
    b.node('Relu', ['part']);
    assert.deepEqual([first.graph.nodes.length, b.graph.nodes.length], [1, 2]);
  });

  it('refuses to define an initializer twice', () => {
    const b = new GraphBuilder('net');
    b.initializer('w', floatTensor([], [0]));
    assert.throws(() => b.initializer('w', floatTensor([], [1])), /initializer w is defined twice/);
  });

  it('shares equal constants, and only those', () => {
    const b = new GraphBuilder('net');
    const shape = b.int64([0, -1]);
    assert.equal(b.int64([0, -1]), shape);
    const scalar = b.int64([1], []);
    const others = [
      shape,
      b.int64([0, -1], [1, 2]),
      b.int64([1]),
      scalar,
      b.float32(1),
      b.float32([1], [1]),
      b.float32([0, -1], [2]),
    ];
    assert.equal(b.float32(1), others[4]);
    assert.equal(new Set(others).size, others.length);
    assert.equal(b.graph.initializers.size, others.length);
    assert.deepEqual(b.graph.initializers.get(shape), {
      dtype: 'int64',
      dims: [2],
      data: BigInt64Array.of(0n, -1n),
    });
    assert.deepEqual(b.graph.initializers.get(scalar), {
      dtype: 'int64',
      dims: [],
      data: BigInt64Array.of(1n),
    });
  });
});

describe('a graph', () => {
  const b = new GraphBuilder('net');
  const x = b.input('x', 'float32', ['n']);
  const y = b.node('Add', [x, x]);
  b.node('Clip', [y, '', y], { a: float(1), b: ints([1]), c: str('s') }, { name: 'z' });
  b.output('z', 'float32', ['n']);
  b.output(y, 'float32', ['n']);

  it('counts how often values are read, its outputs included', () => {
    assert.deepEqual(
      countUses(b.graph),
      new Map([
        ['x', 2],
        ['add', 3],
        ['z', 1],
      ]),
    );
  });

  it('can be changed as a copy without changing the original', () => {
    const copy = cloneGraph(b.graph);
    assert.deepEqual(copy, b.graph);
    copy.nodes[0]!.inputs[0] = 'other';
    copy.nodes.pop();
    copy.outputs.pop();
    copy.initializers.set('w', floatTensor([], [0]));
    assert.deepEqual(
      b.graph.nodes.map((node) => node.inputs),
      [
        ['x', 'x'],
        ['add', '', 'add'],
      ],
    );
    assert.deepEqual([b.graph.outputs.length, b.graph.initializers.size], [2, 0]);
  });
});
