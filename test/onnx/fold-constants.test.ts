import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { encodeMoreOutputs } from '../../core/onnx/encode-model.ts';
import {
  type DataType,
  type Dim,
  floatTensor,
  type Graph,
  int,
  int64Tensor,
  ints,
  sizeOf,
  str,
  type TensorValue,
} from '../../core/onnx/graph.ts';
import { encodeModel } from '../../core/onnx/model-file.ts';
import { fixBatch } from '../../core/onnx/passes/fix-batch.ts';
import { type FoldOptions, foldConstants } from '../../core/onnx/passes/fold-constants.ts';
import { inferKnownShapes } from '../../core/onnx/shape-inference.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';

const OPSET = 18;
let opened = 0;
const open: NonNullable<FoldOptions['open']> = (model) => {
  opened++;
  return openSession(model, { threads: 1 });
};

/** Distinct numbers that are not alike in any order. */
const values = (...dims: number[]): TensorValue =>
  floatTensor(
    dims,
    Float32Array.from({ length: sizeOf(dims) }, (_, i) => Math.sin(i + 1)),
  );
const scalar = (value: number): TensorValue => floatTensor([], [value]);

/** What a graph gives for an input of distinct numbers, `batch` of them where it is named. */
async function run(graph: Graph, batch = 2): Promise<number[][]> {
  const bytes = encodeModel({ ...graph, outputs: [] }, {}, { opset: OPSET });
  const session = await openSession(
    Buffer.concat([bytes, encodeMoreOutputs(graph.outputs.map(({ name }) => name))]),
    { threads: 1 },
  );
  try {
    const feeds = graph.inputs.map(({ name, dims }) => {
      const sizes = dims.map((dim) => (typeof dim === 'number' ? dim : batch));
      const data = Float32Array.from({ length: sizeOf(sizes) }, (_, i) => Math.cos(i * 0.7));
      return [name, new Tensor('float32', data, sizes)] as const;
    });
    const results = await session.run(Object.fromEntries(feeds));
    return graph.outputs.map(({ name }) => Array.from(results[name]!.data as Float32Array, Number));
  } finally {
    await session.release();
  }
}

/** Folds a graph, and checks that it gives what it gave. */
async function fold(
  graph: Graph,
  options: Partial<FoldOptions> = {},
): Promise<{ ops: string[]; folded: Graph; trained: Set<string> }> {
  const { graph: folded, trained } = await foldConstants(graph, { opset: OPSET, open, ...options });
  assert.deepEqual(await run(folded), await run(graph));
  assert.deepEqual(folded.inputs, graph.inputs);
  assert.deepEqual(folded.outputs, graph.outputs);
  const bodies = folded.nodes.flatMap(({ attributes }) =>
    Object.values(attributes).flatMap((each) => (each.type === 'graph' ? each.value.nodes : [])),
  );
  const read = new Set([...folded.nodes, ...bodies].flatMap(({ inputs }) => inputs));
  for (const { name } of folded.outputs) read.add(name);
  for (const name of folded.initializers.keys()) assert.ok(read.has(name), `${name} is read by nothing`);
  return { ops: folded.nodes.map(({ op }) => op), folded, trained };
}

/** A graph of one image input, [batch, 4, 6, 6] unless other sizes are given. */
function build(
  fill: (b: GraphBuilder, x: string) => string | string[],
  dims: Dim[] = ['batch', 4, 6, 6],
  dtype: DataType = 'float32',
): Graph {
  const b = new GraphBuilder('case');
  const outputs = fill(b, b.input('x', 'float32', dims));
  for (const name of [outputs].flat()) b.output(name, dtype, []);
  const shapes = inferKnownShapes(b.graph);
  b.graph.outputs = b.graph.outputs.map((output) => ({
    ...output,
    dims: shapes.get(output.name)?.dims ?? [],
  }));
  return b.graph;
}

const i64 = (b: GraphBuilder, ...list: number[]): string => b.int64(list);
/** A linear layer, for what comes before the first weights is no weight itself. */
const projected = (b: GraphBuilder, x: string): string =>
  b.node('MatMul', [x, b.initializer('projection', values(6, 6))]);
const constant = (b: GraphBuilder, value: TensorValue): string =>
  b.node('Constant', [], { value: { type: 'tensor', value } });

/** [batch, -1] as exporters write it: of the first size of the shape. */
function flattened(b: GraphBuilder, x: string): string {
  const first = b.node('Gather', [b.node('Shape', [x]), b.int64([0], [])], { axis: int(0) });
  const row = b.node('Unsqueeze', [first, i64(b, 0)]);
  return b.node('Concat', [row, constant(b, int64Tensor([-1]))], { axis: int(0) });
}

describe('what does not depend on the images becomes constants', () => {
  it('arithmetic on sizes, without a session', async () => {
    const graph = build((b, x) => b.node('Reshape', [b.node('Relu', [x]), flattened(b, x)]));
    const before = opened;
    const { ops, folded } = await fold(fixBatch(graph, 2));
    assert.deepEqual(ops, ['Relu', 'Reshape']);
    assert.deepEqual(folded.initializers.get(folded.nodes[1]!.inputs[1]!), int64Tensor([2, -1]));
    assert.equal(opened, before);
  });

  it('but not what depends on a size that is not known', async () => {
    const graph = build((b, x) => b.node('Reshape', [b.node('Relu', [x]), flattened(b, x)]));
    const { ops, folded } = await fold(graph);
    assert.deepEqual(ops, ['Relu', 'Shape', 'Gather', 'Unsqueeze', 'Concat', 'Reshape']);
    assert.deepEqual(await run(folded, 5), await run(graph, 5));
  });

  it('tables of indices, by onnxruntime: an adaptive pool that does not divide', async () => {
    const graph = build((b, x) => {
      const range = b.node('Range', [b.int64([0], []), b.int64([3], []), b.int64([1], [])]);
      const scaled = b.node('Floor', [
        b.node('Mul', [b.node('Cast', [range], { to: int(1) }), b.initializer('ratio', scalar(1.7))]),
      ]);
      const rows = b.node('Cast', [scaled], { to: int(7) });
      const grid = b.node('Expand', [b.node('Unsqueeze', [rows, i64(b, 0, 2)]), i64(b, 2, 3, 1)]);
      const images = b.node('Expand', [
        b.node('Unsqueeze', [
          b.node('Range', [b.int64([0], []), b.int64([2], []), b.int64([1], [])]),
          i64(b, 1, 2),
        ]),
        i64(b, 2, 3, 1),
      ]);
      const indices = b.node('Concat', [images, grid], { axis: int(-1) });
      return b.node('GatherND', [b.node('Transpose', [x], { perm: ints([0, 2, 1, 3]) }), indices]);
    });
    const { ops, folded } = await fold(fixBatch(graph, 2));
    assert.deepEqual(ops, ['Transpose', 'GatherND']);
    const indices = folded.initializers.get(folded.nodes[1]!.inputs[1]!)!;
    assert.deepEqual(
      [indices.dims, [...indices.data].map(Number)],
      [
        [2, 3, 2],
        [0, 0, 0, 1, 0, 3, 1, 0, 1, 1, 1, 3],
      ],
    );
  });

  it('the -1 of Expand, as it is written with Where and ConstantOfShape', async () => {
    const graph = build(
      (b, x) => {
        const first = b.node('Gather', [b.node('Shape', [x]), b.int64([0], [])]);
        const rest = i64(b, -1, -1);
        const shape = b.node('Concat', [b.node('Unsqueeze', [first, i64(b, 0)]), rest], { axis: int(0) });
        const ones = b.node('ConstantOfShape', [i64(b, 3)], {
          value: { type: 'tensor', value: int64Tensor([1]) },
        });
        const isKept = b.node('Equal', [shape, b.node('Mul', [ones, i64(b, -1)])]);
        const token = b.node('Expand', [
          b.initializer('token', values(1, 1, 6)),
          b.node('Where', [isKept, ones, shape]),
        ]);
        return b.node('Concat', [token, projected(b, b.node('Squeeze', [x, i64(b, 1)]))], { axis: int(1) });
      },
      ['batch', 1, 6, 6],
    );
    const { ops, trained } = await fold(fixBatch(graph, 2));
    assert.deepEqual(ops, ['Expand', 'Squeeze', 'MatMul', 'Concat']);
    assert.deepEqual([...trained].sort(), ['projection', 'token']);
  });

  it('a mask of floats, of which numbers are compared', async () => {
    const graph = build((b, x) => {
      const canvas = b.initializer('canvas', floatTensor([6, 6], new Float32Array(36)));
      const filled = b.node('ScatterND', [
        canvas,
        b.initializer('rows', int64Tensor([1, 4], [2, 1])),
        b.initializer('fill', floatTensor([2, 6], new Float32Array(12).fill(1))),
      ]);
      const isZero = b.node('Equal', [filled, b.initializer('zero', scalar(0))]);
      const mask = b.node('Where', [isZero, filled, b.initializer('low', scalar(-100))]);
      return b.node('Add', [projected(b, x), mask]);
    });
    const { ops, trained, folded } = await fold(graph);
    assert.deepEqual(ops, ['MatMul', 'Add']);
    assert.deepEqual([...trained], ['projection']);
    const [, mask] = folded.nodes[1]!.inputs;
    const row = (i: number) => folded.initializers.get(mask!)!.data[i * 6];
    assert.deepEqual([0, 1, 2, 3, 4, 5].map(row), [0, -100, 0, 0, -100, 0]);
  });

  it('constants of float16 and truth values', async () => {
    const graph = build((b, x) => {
      const half = b.node(
        'Cast',
        [b.node('Add', [b.initializer('a', scalar(1)), b.initializer('b', scalar(0.5))])],
        { to: int(10) },
      );
      const isLarge = b.node('Greater', [
        half,
        b.node('Cast', [b.initializer('c', scalar(1))], { to: int(10) }),
      ]);
      const factor = b.node('Cast', [half], { to: int(1) });
      return b.node('Where', [isLarge, b.node('Mul', [x, factor]), x]);
    });
    const { ops, folded } = await fold(graph);
    assert.deepEqual(ops, ['Mul', 'Where']);
    assert.equal(folded.initializers.get(folded.nodes[1]!.inputs[0]!)!.dtype, 'bool');
  });

  it('constants like a value, whose type alone matters', async () => {
    const graph = build((b, x) => {
      const zeros = b.node('CastLike', [constant(b, int64Tensor([0], [])), x]);
      const bias = b.node('Expand', [zeros, i64(b, 6)]);
      return b.node('Add', [b.node('CastLike', [x, b.initializer('like', scalar(1))]), bias]);
    });
    const { ops, folded } = await fold(graph);
    assert.deepEqual(ops, ['Add']);
    assert.deepEqual(folded.nodes[0]!.inputs[0], 'x');
    assert.deepEqual(
      folded.initializers.get(folded.nodes[0]!.inputs[1]!),
      floatTensor([6], [0, 0, 0, 0, 0, 0]),
    );
  });

  it('Constant nodes of numbers without a tensor', async () => {
    const graph = build((b, x) => {
      const half = b.node('Constant', [], { value_float: { type: 'float', value: 0.5 } });
      const last = b.node('Constant', [], { value_ints: ints([2 ** 63]) });
      const first = b.node('Constant', [], { value_int: int(1) });
      return b.node('Slice', [
        b.node('Mul', [x, half]),
        b.node('Reshape', [first, i64(b, 1)]),
        last,
        i64(b, -1),
      ]);
    });
    const { ops, folded } = await fold(graph);
    assert.deepEqual(ops, ['Mul', 'Slice']);
    const end = folded.initializers.get(folded.nodes[1]!.inputs[2]!)!;
    assert.deepEqual([...end.data], [2n ** 63n - 1n]);
  });
});

describe('weights stay to be trained', () => {
  it('through what changes their form, while their shape is folded', async () => {
    const graph = build((b, x) => {
      const weight = b.initializer('weight', values(3, 3, 4, 5));
      const turned = b.node('Transpose', [weight], { perm: ints([3, 2, 0, 1]) });
      const conv = b.node('Conv', [x, b.node('Reshape', [turned, b.node('Shape', [turned])])]);
      const bias = b.node('Unsqueeze', [b.initializer('bias', values(5)), i64(b, 1, 2)]);
      return b.node('Add', [conv, bias]);
    });
    const { ops, trained, folded } = await fold(graph);
    assert.deepEqual(ops, ['Transpose', 'Reshape', 'Conv', 'Unsqueeze', 'Add']);
    assert.deepEqual(trained, new Set(['weight', 'bias']));
    assert.deepEqual(folded.initializers.get(folded.nodes[1]!.inputs[1]!), int64Tensor([5, 4, 3, 3]));
  });

  it('through what standardises them', async () => {
    const graph = build((b, x) => {
      const weight = b.initializer('weight', values(5, 4, 3, 3));
      const mean = b.node('ReduceMean', [weight, i64(b, 1, 2, 3)]);
      const centred = b.node('Sub', [weight, mean]);
      const gain = b.node('Exp', [b.initializer('gain', values(5, 1, 1, 1))]);
      return b.node('Conv', [x, b.node('Mul', [centred, gain])]);
    });
    const { ops, trained } = await fold(graph);
    assert.deepEqual(ops, ['ReduceMean', 'Sub', 'Exp', 'Mul', 'Conv']);
    assert.deepEqual([...trained].sort(), ['gain', 'weight']);
  });

  it('as a table of relative positions, whose indices are folded', async () => {
    const graph = build((b, x) => {
      const index = b.node('Reshape', [
        b.node('Add', [
          b.initializer('i', int64Tensor([0, 1, 2], [3, 1])),
          b.initializer('j', int64Tensor([2, 0], [2])),
        ]),
        i64(b, -1),
      ]);
      const picked = b.node('Gather', [b.initializer('table', values(6, 6)), index]);
      return b.node('Add', [projected(b, x), picked]);
    });
    const { ops, trained, folded } = await fold(graph);
    assert.deepEqual(ops, ['Gather', 'MatMul', 'Add']);
    assert.deepEqual([...trained].sort(), ['projection', 'table']);
    assert.deepEqual(folded.initializers.get(folded.nodes[0]!.inputs[1]!), int64Tensor([2, 0, 3, 1, 4, 2]));
  });

  it('each under its own name, where equal ones were handed on', async () => {
    const graph = build((b, x) => {
      const scale = b.initializer('first.scale', values(6));
      const other = b.node('Identity', [scale], {}, { name: 'second.scale' });
      return b.node('Mul', [b.node('Identity', [b.node('Mul', [projected(b, x), scale])]), other]);
    });
    const { ops, trained } = await fold(graph);
    assert.deepEqual(ops, ['MatMul', 'Mul', 'Mul']);
    assert.deepEqual([...trained].sort(), ['first.scale', 'projection', 'second.scale']);
  });

  it('on each way to an Attention', async () => {
    const graph = build(
      (b, x) => {
        const projected = (name: string) =>
          b.node('MatMul', [
            x,
            b.node('Transpose', [b.initializer(name, values(6, 6))], { perm: ints([1, 0]) }),
          ]);
        const heads = { q_num_heads: int(2), kv_num_heads: int(2) };
        return b.node('Attention', [projected('query'), projected('key'), projected('value')], heads);
      },
      ['batch', 5, 6],
    );
    const { graph: folded, trained } = await foldConstants(graph, { opset: 23, open });
    assert.deepEqual([...trained].sort(), ['key', 'query', 'value']);
    assert.equal(folded.nodes.length, graph.nodes.length);
  });

  it('while statistics, sizes and bounds are none', async () => {
    const graph = build((b, x) => {
      const norm = b.node('BatchNormalization', [
        x,
        ...[
          b.initializer('scale', values(4)),
          b.initializer('bias', values(4)),
          b.initializer('mean', values(4)),
        ],
        b.node('Abs', [b.initializer('variance', values(4))]),
      ]);
      const scales = b.node(
        'Concat',
        [b.initializer('ones', floatTensor([2], [1, 1])), b.initializer('twos', floatTensor([2], [2, 2]))],
        { axis: int(0) },
      );
      return b.node('Resize', [norm, '', scales], { mode: str('nearest') });
    });
    const { ops, trained } = await fold(graph);
    assert.deepEqual(ops, ['BatchNormalization', 'Resize']);
    assert.deepEqual(trained, new Set(['scale', 'bias']));
  });

  it('as the caller says', async () => {
    const graph = build((b, x) => {
      const scale = b.node('Exp', [b.initializer('temperature', scalar(0.3))]);
      return b.node('Add', [b.node('Mul', [x, scale]), b.node('Neg', [b.initializer('offset', values(6))])]);
    });
    assert.deepEqual((await fold(graph)).ops, ['Mul', 'Add']);
    const said = await fold(graph, { isTrained: (name) => name === 'temperature' });
    assert.deepEqual([said.ops, [...said.trained]], [['Exp', 'Mul', 'Add'], ['temperature']]);
    const none = await fold(graph, { isTrained: () => false });
    assert.deepEqual([none.ops, none.trained.size], [['Mul', 'Add'], 0]);
  });
});

describe('what cannot be folded stays', () => {
  it('numbers that are drawn', async () => {
    const graph = build((b, x) => {
      const [kept = ''] = b.nodes(
        'Dropout',
        [
          b.initializer('ones', scalar(1)),
          b.initializer('ratio', scalar(0)),
          b.initializer('yes', { dtype: 'bool', dims: [], data: Uint8Array.of(1) }),
        ],
        1,
      );
      return b.node('Mul', [x, kept]);
    });
    assert.deepEqual((await fold(graph)).ops, ['Dropout', 'Mul']);
  });

  it('a constant that is an output of the graph', async () => {
    const graph = build((b, x) => [
      b.node('Relu', [x]),
      b.node('Neg', [b.node('Sqrt', [b.initializer('four', scalar(4))])]),
    ]);
    const { ops, folded } = await fold(graph);
    assert.deepEqual(ops, ['Relu', 'Neg']);
    assert.deepEqual(folded.initializers.get(folded.nodes[1]!.inputs[0]!), scalar(2));
  });

  it('what a body of control flow reads is there for it', async () => {
    const body = new GraphBuilder('then');
    body.output(body.node('Mul', ['x', 'factor'], {}, { name: 'then_out' }), 'float32', []);
    const other = new GraphBuilder('else');
    other.output(other.node('Relu', ['same'], {}, { name: 'else_out' }), 'float32', []);
    const graph = build((b, x) => {
      b.node('Sqrt', [b.initializer('nine', scalar(9))], {}, { name: 'factor' });
      b.node('Identity', [x], {}, { name: 'same' });
      const sum = b.node('ReduceSum', [x], { keepdims: int(0) });
      return b.node('If', [b.node('Greater', [sum, b.initializer('zero', scalar(0))])], {
        then_branch: { type: 'graph', value: body.graph },
        else_branch: { type: 'graph', value: other.graph },
      });
    });
    const { ops, folded } = await fold(graph);
    assert.deepEqual(ops, ['Identity', 'ReduceSum', 'Greater', 'If']);
    assert.deepEqual(folded.initializers.get('factor'), scalar(3));
  });

  it('what would be too large', async () => {
    const graph = build((b, x) => {
      const large = b.node('Expand', [b.initializer('one', scalar(1)), i64(b, 2 ** 12, 2 ** 11)]);
      return b.node('Mul', [x, b.node('ReduceMean', [large], { keepdims: int(0) })]);
    });
    const { graph: folded } = await foldConstants(graph, { opset: OPSET, open });
    assert.deepEqual(
      folded.nodes.map(({ op }) => op),
      ['Expand', 'ReduceMean', 'Mul'],
    );
  });

  it('sizes that are joined to themselves again and again', async () => {
    const graph = build((b, x) => {
      let list = b.node('Shape', [x]);
      for (let i = 0; i < 40; i++) list = b.node('Concat', [list, list], { axis: int(0) });
      return b.node('Tile', [x, list]);
    });
    const { graph: folded } = await foldConstants(fixBatch(graph, 2), { opset: OPSET, open });
    assert.ok(folded.nodes.some(({ op }) => op === 'Concat'));
    for (const { data } of folded.initializers.values()) assert.ok(data.length <= 2 ** 22);
  });

  it('and a graph that nothing can compute is refused', async () => {
    const graph = build((b, x) => {
      const tables = b.node('Gather', [
        b.initializer('table', int64Tensor([1, 2])),
        b.initializer('beyond', int64Tensor([5])),
      ]);
      return b.node('Reshape', [x, b.node('Concat', [tables, i64(b, -1)], { axis: int(0) })]);
    });
    await assert.rejects(foldConstants(graph, { opset: OPSET }), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /^the constants of the model cannot be computed: /);
      return true;
    });
  });
});

describe('sequences of parts', () => {
  const parts = (split: TensorValue | undefined, picked: number[]): Graph =>
    build((b, x) => {
      const inputs = split ? [x, b.initializer('sizes', split)] : [x];
      const sequence = b.node('SplitToSequence', inputs, { axis: int(1) }, { name: 'split' });
      b.node('Relu', [x], {}, { name: 'split_1' });
      return picked.map((at) => b.node('SequenceAt', [sequence, b.int64([at], [])]));
    });

  it('become Splits', async () => {
    const { ops, folded } = await fold(parts(int64Tensor([3], []), [0, -1]));
    assert.deepEqual(ops.slice(0, 1), ['Split']);
    assert.deepEqual(folded.initializers.get(folded.nodes[0]!.inputs[1]!), int64Tensor([3, 1]));
    assert.deepEqual((await fold(parts(int64Tensor([1, 2, 1]), [1, 2, 1]))).ops.slice(0, 1), ['Split']);
  });

  it('but for those of no size, or of more than there may be', async () => {
    for (const size of [0, -1]) {
      const { graph } = await foldConstants(parts(int64Tensor([size], []), [0]), { opset: OPSET, open });
      assert.ok(graph.nodes.some(({ op }) => op === 'SplitToSequence'));
    }
    const many = build(
      (b, x) => {
        const sequence = b.node('SplitToSequence', [x, b.int64([1], [])]);
        return b.node('SequenceAt', [sequence, b.int64([0], [])]);
      },
      [2 ** 40],
    );
    const { graph } = await foldConstants(many, { opset: OPSET, open });
    assert.ok(graph.nodes.some(({ op }) => op === 'SplitToSequence'));
  });

  it('but for those of single ones, or of which another is asked for', async () => {
    assert.ok((await fold(parts(undefined, [0]))).ops.includes('SplitToSequence'));
    const { graph } = await foldConstants(parts(int64Tensor([1, 3]), [2]), { opset: OPSET, open });
    assert.ok(graph.nodes.some(({ op }) => op === 'SplitToSequence'));
  });
});
