import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor, type Graph, int, ints, sizeOf, str } from '../../core/onnx/graph.ts';
import { initializerRoles } from '../../core/onnx/roles.ts';

/** What is learned of a graph that `build` makes of images [1, 3, 4, 4] and a first convolution's [1, 4, 4, 4]. */
function learned(build: (net: Net, images: string, features: () => string) => string): string[] {
  const net = new Net();
  const images = net.b.input('images', 'float32', [1, 3, 4, 4]);
  const features = () => net.b.node('Conv', [images, net.table('conv', [4, 3, 1, 1])]);
  net.b.output(build(net, images, features), 'float32', [1]);
  return rolesOf(net.b.graph).filter((name) => name !== 'conv');
}

class Net {
  readonly b = new GraphBuilder('net');

  table(name: string, dims: readonly number[], value = 0.5): string {
    return this.b.initializer(name, floatTensor(dims, new Float32Array(sizeOf(dims)).fill(value)));
  }
}

const rolesOf = (graph: Graph): string[] => initializerRoles(graph).parameters;

describe('what is learned of a graph from anywhere', () => {
  for (const op of ['LayerNormalization', 'InstanceNormalization', 'GroupNormalization']) {
    it(`scale and bias of ${op}`, () => {
      const names = learned((net, _, x) =>
        net.b.node(op, [x(), net.table('scale', [4]), net.table('bias', [4])]),
      );
      assert.deepEqual(names, ['scale', 'bias']);
    });
  }

  it('batch norm as it was: scale and bias, and statistics that are none', () => {
    const net = new Net();
    const x = net.b.input('x', 'float32', [1, 4]);
    const inputs = ['scale', 'bias', 'mean', 'variance'].map((name) => net.table(name, [4]));
    net.b.output(net.b.node('BatchNormalization', [x, ...inputs]), 'float32', [1, 4]);
    const roles = initializerRoles(net.b.graph);
    assert.deepEqual(roles, { parameters: ['scale', 'bias'], buffers: ['mean', 'variance'], constants: [] });
  });

  it('a weight that a batch norm standardises by its own statistics, which are none', () => {
    const net = new Net();
    const images = net.b.input('images', 'float32', [1, 3, 4, 4]);
    const flat = net.b.node('Reshape', [net.table('weight', [4, 3, 1, 1]), net.b.int64([1, 4, 3])]);
    const statistics = net.b.node('ReduceMean', [flat], { axes: ints([0, 2]), keepdims: int(0) });
    const inputs = [flat, net.table('gain', [4]), net.table('bias', [4]), statistics, statistics];
    const standardized = net.b.node('Reshape', [
      net.b.node('BatchNormalization', inputs),
      net.b.int64([4, 3, 1, 1]),
    ]);
    net.b.output(net.b.node('Conv', [images, standardized]), 'float32', [1, 4, 4, 4]);
    const { parameters, buffers } = initializerRoles(net.b.graph);
    assert.deepEqual([parameters.sort(), buffers], [['bias', 'gain', 'weight'], []]);
  });

  it('weights of an Einsum, and a table of which it takes a part', () => {
    const names = learned((net, _, x) => {
      const equation = str('nchw,kc->nkhw');
      const mixed = net.b.node('Einsum', [x(), net.table('mix', [4, 4])], { equation });
      const places = net.b.node('Gather', [net.table('places', [9, 4]), net.b.int64([0, 2, 4, 6])]);
      return net.b.node('Einsum', [mixed, places], { equation });
    });
    assert.deepEqual(names, ['mix', 'places']);
  });

  it('of a group norm as PyTorch exports it scale and bias of the channels, not the ones and zeros within', () => {
    const norm = (net: Net, x: string, scale: number) => {
      const groups = net.b.node('Reshape', [x, net.b.int64([0, 2, -1])]);
      const inputs = [groups, net.table('ones', [2], scale), net.table('zeros', [2], 0)];
      const normed = net.b.node('Reshape', [
        net.b.node('InstanceNormalization', inputs),
        net.b.int64([1, 4, 4, 4]),
      ]);
      const scaled = net.b.node('Mul', [normed, net.table('scale', [4, 1, 1], 1)]);
      return net.b.node('Add', [scaled, net.table('bias', [4, 1, 1], 0)]);
    };
    assert.deepEqual(
      learned((net, _, x) => norm(net, x(), 1)),
      ['scale', 'bias'],
    );
    // Learned ones are.
    assert.deepEqual(
      learned((net, _, x) => norm(net, x(), 0.5)),
      ['ones', 'zeros', 'scale', 'bias'],
    );
  });

  it('single numbers by the names that modules give their parameters', () => {
    const names = learned((net, _, x) => {
      const scaled = net.b.node('Mul', [x(), net.table('stages.0.act.scale', [1])]);
      const shifted = net.b.node('Add', [scaled, net.table('stages.0.act.bias', [1])]);
      return net.b.node('Mul', [shifted, net.table('onnx::Mul_12', [1])]);
    });
    assert.deepEqual(names, ['stages.0.act.scale', 'stages.0.act.bias']);
  });

  it('a weight that reaches its operator in another form', () => {
    const names = learned((net, _, x) => {
      const turned = net.b.node('Transpose', [net.table('weight', [4, 8])], { perm: ints([1, 0]) });
      const named = net.b.node('Identity', [net.b.node('Reshape', [turned, net.b.int64([8, 4])])]);
      return net.b.node('MatMul', [named, x()]);
    });
    assert.deepEqual(names, ['weight']);
  });

  it('layer scales, biases, class tokens, position embeddings and tables that are picked from', () => {
    const names = learned((net, _, x) => {
      const { b } = net;
      const scaled = b.node('Mul', [net.table('gamma', [4, 1, 1]), x()]);
      const token = b.node('Expand', [net.table('token', [1, 4, 1, 4]), b.int64([1, 4, 1, 4])]);
      const joined = b.node('Concat', [token, scaled], { axis: int(2) });
      const placed = b.node('Add', [joined, net.table('positions', [1, 4, 5, 4])]);
      const picked = b.node('Gather', [net.table('relative', [9, 4]), b.int64([1, 2, 2, 8, 0])]);
      const bias = b.node('Unsqueeze', [b.node('Transpose', [picked]), b.int64([0])]);
      return b.node('Add', [b.node('Sum', [placed, net.table('more', [4])]), bias]);
    });
    assert.deepEqual(names, ['gamma', 'token', 'positions', 'more', 'relative']);
  });

  it('neither what normalises the images, scalars, divisors, masks, nor whole numbers', () => {
    const names = learned((net, images, x) => {
      const { b } = net;
      const zeroMean = b.node('Sub', [images, net.table('mean', [3, 1, 1])]);
      const shifted = b.node('Add', [
        b.node('Mul', [zeroMean, net.table('std', [3, 1, 1])]),
        net.table('off', [3, 1, 1]),
      ]);
      const y = b.node('Add', [x(), b.node('ReduceMean', [shifted], { axes: ints([1]) })]);
      const halved = b.node('Mul', [y, net.table('half', [])]);
      const shared = b.node('Div', [
        b.node('Add', [halved, net.table('one', [1])]),
        net.table('counts', [4, 4]),
      ]);
      const masked = b.node('Add', [shared, net.table('mask', [4, 4], -100)]);
      return b.node('Add', [masked, net.table('unseen', [4, 4], Number.NEGATIVE_INFINITY)]);
    });
    assert.deepEqual(names, []);
  });
});
