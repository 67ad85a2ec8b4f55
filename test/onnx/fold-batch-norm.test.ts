import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { initializeParameters } from '../../core/models/initialize.ts';
import { buildModel, MODEL_NAMES } from '../../core/models/zoo.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floatTensor, type Graph, int, ints, sizeOf } from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { foldBatchNorm } from '../../core/onnx/passes/fold-batch-norm.ts';
import { Random } from '../../core/random.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';

describe('folding a zoo net', () => {
  for (const name of ['resnet20', 'se_resnet20']) {
    it(`keeps the logits of ${name}`, async () => {
      const graph = buildModel(name, { numClasses: 10, imageSize: 16 });
      initializeParameters(graph, 1);
      randomizeBatchNorms(graph);
      const error = relativeError(await run(foldBatchNorm(graph), 16), await run(graph, 16));
      assert.ok(error < 1e-4, `relative error ${error}`);
    });
  }

  for (const name of MODEL_NAMES) {
    it(`leaves no batch norm in ${name}, and no unused initializer`, () => {
      const graph = buildModel(name, { numClasses: 10 });
      const before = count(graph, 'Conv');
      const folded = foldBatchNorm(graph);
      assert.ok(count(graph, 'BatchNormalization') > 0);
      assert.equal(count(folded, 'BatchNormalization'), 0);
      assert.equal(count(folded, 'Conv'), before);
      assert.deepEqual(
        [...folded.initializers.keys()].sort(),
        [...new Set(readNames(folded).filter((input) => folded.initializers.has(input)))].sort(),
      );
      assert.ok(![...folded.initializers.keys()].some((key) => /running_|\.bn\d/.test(key)));
    });
  }

  it('does not touch its input, and gives the same bytes each time', () => {
    const graph = buildModel('resnet20', { numClasses: 10, imageSize: 16 });
    initializeParameters(graph, 1);
    randomizeBatchNorms(graph);
    const before = Buffer.from(encodeModel(graph));
    const folded = Buffer.from(encodeModel(foldBatchNorm(graph)));
    assert.ok(before.equals(encodeModel(graph)));
    assert.ok(folded.equals(encodeModel(foldBatchNorm(graph))));
    assert.ok(!folded.equals(before));
    assert.equal(encodeModel(foldBatchNorm(foldBatchNorm(graph))).length, folded.length);
  });
});

describe('folding', () => {
  it('rounds the exact weight and bias once', () => {
    const net = new Net();
    net.b.graph.initializers.set('w', floatTensor([1, 1, 1, 1], [0.3]));
    const conv = net.b.node('Conv', [net.x, 'w'], {});
    net.finish(net.norm(conv, 'n', 1, { scale: 1.5, shift: 0.25, mean: -0.7, variance: 0.04 }));
    const { initializers, nodes } = foldBatchNorm(net.b.graph);
    const f = Math.fround;
    const factor = 1.5 / Math.sqrt(f(0.04) + 1e-5);
    assert.deepEqual(nodes[0]!.inputs, ['input', 'w', 'w.bias']);
    assert.deepEqual([...initializers.get('w')!.data], [f(f(0.3) * factor)]);
    assert.deepEqual([...initializers.get('w.bias')!.data], [f(-f(-0.7) * factor + 0.25)]);
  });

  it('handles a bias, groups, and two batch norms in a row', async () => {
    const net = new Net();
    const conv = net.conv(net.x, 'c', 6, { bias: true, group: 3 });
    net.finish(net.norm(net.norm(conv, 'n1', 6), 'n2', 6));
    await assertFolds(net.b.graph, 0);
    assert.deepEqual(foldBatchNorm(net.b.graph).nodes[0]!.inputs, ['input', 'c.weight', 'c.bias']);
  });

  it('reaches through max-pooling where no scale is negative', async () => {
    const net = new Net();
    const conv = net.conv(net.x, 'c', 4);
    const norm = net.norm(net.pool(conv), 'n', 4);
    net.b.graph.initializers.set('n.weight', floatTensor([4], [0.3, 2, 0, 1]));
    net.finish(norm);
    await assertFolds(net.b.graph, 0);
    assert.deepEqual(foldBatchNorm(net.b.graph).nodes[0]!.inputs, ['input', 'c.weight', 'c.bias']);
  });

  it('gives convs that share a weight and norms that share parameters weights of their own', async () => {
    const net = new Net();
    const first = net.norm(net.conv(net.x, 'c', 4), 'n1', 4);
    const second = net.norm(net.b.node('Conv', [net.x, 'c.weight'], { pads: ints([1, 1, 1, 1]) }), 'n2', 4);
    const third = net.b.node('BatchNormalization', [
      net.b.node('Conv', [net.x, 'c.weight'], { pads: ints([1, 1, 1, 1]) }),
      ...['weight', 'bias', 'running_mean', 'running_var'].map((part) => `n1.${part}`),
    ]);
    net.finish(net.b.node('Sum', [first, second, third]));
    await assertFolds(net.b.graph, 0);
  });

  const kept: [string, (net: Net) => string][] = [
    [
      'behind max-pooling, with a scale that makes the largest the smallest',
      (net) => {
        const norm = net.norm(net.pool(net.conv(net.x, 'c', 4)), 'n', 4);
        net.b.graph.initializers.set('n.weight', floatTensor([4], [0.3, 2, -0.1, 1]));
        return norm;
      },
    ],
    [
      'behind max-pooling that something else reads',
      (net) => {
        const pooled = net.pool(net.conv(net.x, 'c', 4));
        return net.b.node('Add', [
          net.norm(pooled, 'n', 4, { scale: 1, shift: 0.5, mean: 0.25, variance: 2 }),
          pooled,
        ]);
      },
    ],
    [
      'behind max-pooling of what something else reads',
      (net) => {
        const conv = net.conv(net.x, 'c', 4);
        const norm = net.norm(net.pool(conv), 'n', 4, { scale: 1, shift: 0.5, mean: 0.25, variance: 2 });
        return net.b.node('Add', [norm, net.pool(conv)]);
      },
    ],
    [
      'whose Conv is read twice',
      (net) => {
        const conv = net.conv(net.x, 'c', 4);
        return net.b.node('Add', [net.norm(conv, 'n', 4), conv]);
      },
    ],
    [
      'whose Conv is an output of the graph',
      (net) => {
        const conv = net.conv(net.x, 'c', 4);
        net.b.output(conv, 'float32', ['batch', 4, 'h', 'w']);
        return net.norm(conv, 'n', 4);
      },
    ],
    ['after a Relu', (net) => net.norm(net.b.node('Relu', [net.conv(net.x, 'c', 4)]), 'n', 4)],
    ['on the input', (net) => net.conv(net.norm(net.x, 'n', 3), 'c', 4)],
    [
      'whose Conv has a computed weight',
      (net) => {
        const weight = net.b.node('Neg', [net.tensor('w', [4, 3, 1, 1])]);
        return net.norm(net.b.node('Conv', [net.x, weight]), 'n', 4);
      },
    ],
    [
      'whose Conv has a computed bias',
      (net) => {
        const bias = net.b.node('Neg', [net.tensor('b', [4])]);
        return net.norm(net.b.node('Conv', [net.x, net.tensor('w', [4, 3, 1, 1]), bias]), 'n', 4);
      },
    ],
  ];
  for (const [what, build] of kept) {
    it(`leaves alone a batch norm ${what}`, async () => {
      const net = new Net();
      net.finish(build(net));
      await assertFolds(net.b.graph, 1);
      assert.deepEqual(foldBatchNorm(net.b.graph), net.b.graph);
    });
  }

  it('leaves alone a batch norm in training mode', () => {
    const net = new Net();
    const inputs = [net.conv(net.x, 'c', 4), ...net.normParameters('n', 4)];
    const [y] = net.b.nodes('BatchNormalization', inputs, 3, { training_mode: int(1) });
    net.finish(y!);
    assert.deepEqual(foldBatchNorm(net.b.graph), net.b.graph);
  });

  it('folds what it can beside what it cannot', async () => {
    const net = new Net();
    const a = net.norm(net.conv(net.x, 'a', 4), 'na', 4);
    const b = net.conv(net.x, 'b', 4);
    net.finish(net.b.node('Sum', [a, b, net.norm(b, 'nb', 4)]));
    await assertFolds(net.b.graph, 1);
  });
});

interface NormValues {
  scale: number;
  shift: number;
  mean: number;
  variance: number;
}

/** A graph under construction with input `input` [batch, 3, 8, 8] and random parameters. */
class Net {
  readonly b = new GraphBuilder('net');
  readonly x = this.b.input('input', 'float32', ['batch', 3, 8, 8]);
  readonly #random = new Random(5);

  tensor(name: string, dims: number[]): string {
    const data = Float32Array.from({ length: sizeOf(dims) }, () => this.#random.normal());
    return this.b.initializer(name, floatTensor(dims, data));
  }

  /** A padded 3x3 conv. */
  conv(x: string, name: string, channels: number, options: { bias?: boolean; group?: number } = {}): string {
    const group = options.group ?? 1;
    const inputs = [x, this.tensor(`${name}.weight`, [channels, 3 / group, 3, 3])];
    if (options.bias) inputs.push(this.tensor(`${name}.bias`, [channels]));
    return this.b.node('Conv', inputs, { pads: ints([1, 1, 1, 1]), group: int(group) });
  }

  pool(x: string): string {
    return this.b.node('MaxPool', [x], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
  }

  normParameters(name: string, channels: number, values?: NormValues): string[] {
    const vector = (part: string, value: number | undefined, make: () => number): string =>
      this.b.initializer(
        `${name}.${part}`,
        floatTensor(
          [channels],
          Array.from({ length: channels }, () => value ?? make()),
        ),
      );
    return [
      vector('weight', values?.scale, () => this.#random.normal()),
      vector('bias', values?.shift, () => this.#random.normal()),
      vector('running_mean', values?.mean, () => this.#random.normal()),
      vector('running_var', values?.variance, () => 0.5 + this.#random.uniform()),
    ];
  }

  norm(x: string, name: string, channels: number, values?: NormValues): string {
    return this.b.node('BatchNormalization', [x, ...this.normParameters(name, channels, values)]);
  }

  finish(value: string): void {
    this.b.node('Identity', [value], {}, { name: 'logits' });
    this.b.output('logits', 'float32', ['batch', 'c', 'h', 'w']);
  }
}

/** Checks that folding leaves so many batch norms and changes no output. */
async function assertFolds(graph: Graph, remaining: number): Promise<void> {
  const folded = foldBatchNorm(graph);
  assert.equal(count(folded, 'BatchNormalization'), remaining);
  const error = relativeError(await run(folded, 8), await run(graph, 8));
  assert.ok(error < 1e-5, `relative error ${error}`);
}

/** Gives every batch norm parameters and statistics as if it had been trained. */
function randomizeBatchNorms(graph: Graph): void {
  const random = new Random(9);
  for (const node of graph.nodes) {
    if (node.op !== 'BatchNormalization') continue;
    const draws = [
      () => 0.5 + random.uniform(),
      () => 0.3 * random.normal(),
      () => 0.3 * random.normal(),
      () => 0.5 + random.uniform(),
    ];
    draws.forEach((draw, i) => {
      const name = node.inputs[i + 1]!;
      const { dims } = graph.initializers.get(name)!;
      graph.initializers.set(name, floatTensor(dims, Float32Array.from({ length: sizeOf(dims) }, draw)));
    });
  }
}

/** `logits` for two random images, by onnxruntime without its own optimisations. */
async function run(graph: Graph, size: number): Promise<Float32Array> {
  const session = await openSession(encodeModel(graph), {
    graphOptimizationLevel: 'disabled',
    threads: 1,
  });
  const random = new Random(3);
  const dims = [2, 3, size, size];
  const data = Float32Array.from({ length: sizeOf(dims) }, () => random.normal());
  const { logits } = await session.run({ input: new Tensor('float32', data, dims) }, ['logits']);
  await session.release();
  return logits!.data as Float32Array;
}

function relativeError(actual: Float32Array, expected: Float32Array): number {
  const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  assert.equal(actual.length, expected.length);
  assert.ok(norm(expected) > 0);
  return norm(actual.map((value, i) => value - expected[i]!)) / norm(expected);
}

function count(graph: Graph, op: string): number {
  return graph.nodes.filter((node) => node.op === op).length;
}

function readNames(graph: Graph): string[] {
  return graph.nodes.flatMap((node) => node.inputs);
}
