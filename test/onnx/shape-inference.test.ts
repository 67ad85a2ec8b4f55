import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import {
  type Attribute,
  type DataType,
  type Dim,
  float,
  floatTensor,
  type Graph,
  int,
  int64Tensor,
  ints,
  sizeOf,
  str,
  type TensorValue,
} from '../../core/onnx/graph.ts';
import { foldBatchNorm } from '../../core/onnx/passes/fold-batch-norm.ts';
import { inferShapes, type TensorShape } from '../../core/onnx/shape-inference.ts';
import { runAllValues } from './run-all-values.ts';

/** The sizes that named dimensions have when a graph is run; distinct primes, so that none passes for another. */
const SIZES = { batch: 3, n: 7, h: 13, w: 11 };

/** Runs a graph, and checks each value against what was inferred, named dimensions by their size. */
async function assertAsRun(graph: Graph): Promise<Map<string, TensorShape>> {
  const inferred = inferShapes(graph);
  const actual = await runAllValues(graph, SIZES, inferred);
  assert.ok(actual.size > 0);
  for (const [name, { dtype, dims }] of actual) {
    const shape = inferred.get(name)!;
    assert.equal(shape.dtype, dtype, name);
    assert.equal(shape.dims.length, dims.length, `${name}: ${shape.dims} ran as ${dims}`);
    shape.dims.forEach((dim, axis) => {
      const size = typeof dim === 'number' ? dim : SIZES[dim as keyof typeof SIZES];
      // A name made up for an unknown size can be any size.
      if (size !== undefined) assert.equal(size, dims[axis], `${name}: ${shape.dims} ran as ${dims}`);
    });
  }
  return inferred;
}

type Input = string | TensorValue | { dtype?: DataType; dims: Dim[] };

/** A graph of one node; inputs are graph inputs (dims), initializers (a tensor) or left out (''). */
function oneNode(
  op: string,
  inputs: Input[],
  attributes: Record<string, Attribute> = {},
  outputs = 1,
): Graph {
  const b = new GraphBuilder('case');
  const names = inputs.map((input, i) => {
    if (typeof input === 'string') return input;
    if ('data' in input) return b.initializer(`c${i}`, input);
    return b.input(`x${i}`, input.dtype ?? 'float32', input.dims);
  });
  b.nodes(op, names, outputs, attributes, { name: 'y' });
  return b.graph;
}

const x = (...dims: Dim[]): Input => ({ dims });
const weights = (...dims: number[]): TensorValue => floatTensor(dims, new Float32Array(sizeOf(dims)));
const i64 = (...values: number[]): TensorValue => int64Tensor(values);
const byte = (dtype: 'int8' | 'uint8', ...dims: number[]): TensorValue => ({
  dtype,
  dims,
  data: dtype === 'int8' ? new Int8Array(sizeOf(dims)) : new Uint8Array(sizeOf(dims)),
});
const scales = (...dims: number[]): TensorValue =>
  floatTensor(dims, new Float32Array(sizeOf(dims)).fill(0.5));

describe('the shapes of zoo nets are those onnxruntime computes', () => {
  for (const [name, imageSize] of [
    ['resnet20', 32],
    ['se_resnet20', 30],
    ['resnet18', 9],
    ['resnet50', 8],
    ['se_resnet50', 8],
  ] as const) {
    it(`${name} at ${imageSize} x ${imageSize}`, async () => {
      const graph = buildModel(name, { numClasses: 10, imageSize });
      const shapes = await assertAsRun(graph);
      assert.deepEqual(shapes.get('logits'), { dtype: 'float32', dims: ['batch', 10] });
      assert.deepEqual(shapes.get('input')!.dims, ['batch', 3, imageSize, imageSize]);
      assert.deepEqual(shapes.get('fc.bias')!.dims, [10]);
      const folded = await assertAsRun(foldBatchNorm(graph));
      for (const [value, shape] of folded) if (shapes.has(value)) assert.deepEqual(shape, shapes.get(value));
      for (const [value, shape] of shapes) {
        const isActivation = graph.nodes.some((node) => node.outputs.includes(value));
        if (isActivation) assert.equal(shape.dims[0], 'batch', value);
      }
    });
  }
});

describe('one operator at a time, as onnxruntime runs it', () => {
  const image = x('batch', 4, 13, 11);
  const square = ints([3, 3]);
  // The dims expected, and the element type where it is not float32.
  const cases: [what: string, graph: Graph, dims: Dim[], dtype?: DataType][] = [
    ['Conv', oneNode('Conv', [image, weights(6, 4, 3, 3), weights(6)]), ['batch', 6, 11, 9]],
    [
      'Conv with strides and uneven pads',
      oneNode('Conv', [image, weights(6, 4, 3, 3)], { strides: ints([2, 3]), pads: ints([1, 0, 2, 3]) }),
      ['batch', 6, 7, 4],
    ],
    [
      'Conv with dilations',
      oneNode('Conv', [image, weights(6, 4, 3, 2)], { dilations: ints([2, 4]) }),
      ['batch', 6, 9, 7],
    ],
    [
      'Conv in groups',
      oneNode('Conv', [image, weights(6, 2, 1, 1)], { group: int(2) }),
      ['batch', 6, 13, 11],
    ],
    [
      'a depthwise Conv',
      oneNode('Conv', [image, weights(8, 1, 3, 3)], { group: int(4), pads: ints([1, 1, 1, 1]) }),
      ['batch', 8, 13, 11],
    ],
    ...['SAME_UPPER', 'SAME_LOWER'].map((pad): [string, Graph, Dim[]] => [
      `Conv with auto_pad ${pad}`,
      oneNode('Conv', [image, weights(6, 4, 3, 3)], { auto_pad: str(pad), strides: ints([2, 2]) }),
      ['batch', 6, 7, 6],
    ]),
    [
      'Conv with auto_pad VALID',
      oneNode('Conv', [image, weights(6, 4, 3, 3)], { auto_pad: str('VALID'), strides: ints([2, 2]) }),
      ['batch', 6, 6, 5],
    ],
    ['a one-dimensional Conv', oneNode('Conv', [x('batch', 4, 13), weights(6, 4, 5)]), ['batch', 6, 9]],
    [
      'Conv of named sizes that keeps them',
      oneNode('Conv', [x('batch', 4, 'h', 'w'), weights(6, 4, 3, 3)], { pads: ints([1, 1, 1, 1]) }),
      ['batch', 6, 'h', 'w'],
    ],
    [
      'Conv of named sizes that changes one',
      oneNode('Conv', [x('batch', 4, 'h', 'w'), weights(6, 4, 3, 3)], {
        pads: ints([1, 1, 1, 1]),
        strides: ints([2, 1]),
      }),
      ['batch', 6, 'y_2', 'w'],
    ],
    [
      'MaxPool',
      oneNode('MaxPool', [image], { kernel_shape: square, strides: ints([2, 2]) }),
      ['batch', 4, 6, 5],
    ],
    [
      'MaxPool rounded up',
      oneNode('MaxPool', [x(1, 1, 12, 11)], {
        kernel_shape: square,
        strides: ints([2, 2]),
        ceil_mode: int(1),
      }),
      [1, 1, 6, 5],
    ],
    [
      'MaxPool rounded up where the last window would start in the padding',
      oneNode('MaxPool', [x(1, 1, 4, 4)], {
        kernel_shape: ints([1, 2]),
        strides: ints([4, 4]),
        pads: ints([0, 1, 0, 1]),
        ceil_mode: int(1),
      }),
      [1, 1, 1, 2],
    ],
    [
      'AveragePool with pads',
      oneNode('AveragePool', [image], {
        kernel_shape: square,
        pads: ints([1, 1, 1, 1]),
        strides: ints([2, 2]),
      }),
      ['batch', 4, 7, 6],
    ],
    ['GlobalAveragePool', oneNode('GlobalAveragePool', [image]), ['batch', 4, 1, 1]],
    ['GlobalMaxPool', oneNode('GlobalMaxPool', [x('batch', 4, 'h')]), ['batch', 4, 1]],
    [
      'BatchNormalization',
      oneNode('BatchNormalization', [image, weights(4), weights(4), weights(4), weights(4)], {
        epsilon: float(1e-5),
      }),
      ['batch', 4, 13, 11],
    ],
    ['Relu', oneNode('Relu', [image]), ['batch', 4, 13, 11]],
    ['Sigmoid', oneNode('Sigmoid', [image]), ['batch', 4, 13, 11]],
    ['Identity', oneNode('Identity', [{ dtype: 'int64', dims: ['n'] }]), ['n'], 'int64'],
    ['Clip', oneNode('Clip', [image, floatTensor([], [0]), floatTensor([], [6])]), ['batch', 4, 13, 11]],
    ['Clip without a minimum', oneNode('Clip', [image, '', floatTensor([], [6])]), ['batch', 4, 13, 11]],
    ['Softmax', oneNode('Softmax', [x('batch', 10)]), ['batch', 10]],
    ['Add of equal shapes', oneNode('Add', [image, image]), ['batch', 4, 13, 11]],
    ['Mul by a gate', oneNode('Mul', [image, x('batch', 4, 1, 1)]), ['batch', 4, 13, 11]],
    ['Sub of a vector', oneNode('Sub', [image, weights(11)]), ['batch', 4, 13, 11]],
    ['Div of a scalar by a tensor', oneNode('Div', [floatTensor([], [1]), image]), ['batch', 4, 13, 11]],
    ['Add that stretches both', oneNode('Add', [x('batch', 1, 5), x(6, 1)]), ['batch', 6, 5]],
    ['Add of a name to ones', oneNode('Add', [x(1, 5), x('n', 1)]), ['n', 5]],
    ['Add of a name to a size', oneNode('Add', [x('n', 5), x(7, 5)]), [7, 5]],
    ['Pow', oneNode('Pow', [image, i64(2)]), ['batch', 4, 13, 11]],
    ['Greater', oneNode('Greater', [image, weights(11)]), ['batch', 4, 13, 11], 'bool'],
    ['Sum of three', oneNode('Sum', [x('n', 1, 1), x(2, 1), x(3)]), ['n', 2, 3]],
    ['Cast', oneNode('Cast', [image], { to: int(7) }), ['batch', 4, 13, 11], 'int64'],
    ['Flatten', oneNode('Flatten', [image]), ['batch', 572]],
    ['Flatten of a pooled image', oneNode('Flatten', [x('batch', 64, 1, 1)]), ['batch', 64]],
    ['Flatten at the third axis', oneNode('Flatten', [image], { axis: int(2) }), ['y_0', 143]],
    ['Flatten at the last axis', oneNode('Flatten', [image], { axis: int(-1) }), ['y_0', 11]],
    ['Flatten into one row', oneNode('Flatten', [x('n')], { axis: int(0) }), [1, 'n']],
    ['Flatten into one column', oneNode('Flatten', [x('n', 1)], { axis: int(2) }), ['n', 1]],
    ['Reshape that keeps the batch', oneNode('Reshape', [image, i64(0, 4, -1)]), ['batch', 4, 143]],
    ['Reshape that infers the batch', oneNode('Reshape', [image, i64(-1, 11, 52)]), ['batch', 11, 52]],
    ['Reshape that mixes in the batch', oneNode('Reshape', [image, i64(-1, 11)]), ['y_0', 11]],
    ['Reshape of known sizes', oneNode('Reshape', [x(6, 4), i64(2, -1, 3)]), [2, 4, 3]],
    ['Transpose', oneNode('Transpose', [image], { perm: ints([0, 2, 3, 1]) }), ['batch', 13, 11, 4]],
    ['Transpose in reverse', oneNode('Transpose', [image]), [11, 13, 4, 'batch']],
    ['Pad of channels', oneNode('Pad', [image, i64(0, 0, 0, 0, 0, 2, 0, 0)]), ['batch', 6, 13, 11]],
    ['Pad of a named size', oneNode('Pad', [x('n', 4), i64(1, 0, 2, -1)]), ['y_0', 3]],
    ['Concat', oneNode('Concat', [image, x('batch', 3, 13, 11)], { axis: int(1) }), ['batch', 7, 13, 11]],
    ['Concat from the end', oneNode('Concat', [x('n', 2), x('n', 3)], { axis: int(-1) }), ['n', 5]],
    ['Concat of batches', oneNode('Concat', [x('n', 2), x('batch', 2)], { axis: int(0) }), ['y_0', 2]],
    ['Squeeze', oneNode('Squeeze', [x('batch', 4, 1, 1), i64(-1, 2)]), ['batch', 4]],
    ['Unsqueeze', oneNode('Unsqueeze', [x('batch', 4), i64(0, -1)]), [1, 'batch', 4, 1]],
    ['ReduceMean', oneNode('ReduceMean', [image], { axes: ints([2, -1]) }), ['batch', 4, 1, 1]],
    ['ReduceSum', oneNode('ReduceSum', [image, i64(0)], { keepdims: int(0) }), [4, 13, 11]],
    ['ReduceSum of everything', oneNode('ReduceSum', [image], { keepdims: int(0) }), []],
    ['Gemm', oneNode('Gemm', [x('batch', 64), weights(64, 10), weights(10)]), ['batch', 10]],
    [
      'Gemm transposed',
      oneNode('Gemm', [x(64, 'n'), weights(10, 64)], { transA: int(1), transB: int(1) }),
      ['n', 10],
    ],
    ['MatMul', oneNode('MatMul', [x('batch', 64), weights(64, 10)]), ['batch', 10]],
    ['MatMul of batches', oneNode('MatMul', [x('batch', 1, 2, 5), x(4, 5, 6)]), ['batch', 4, 2, 6]],
    ['MatMul of a vector', oneNode('MatMul', [x(5), x('batch', 5, 6)]), ['batch', 6]],
    ['MatMul by a vector', oneNode('MatMul', [x('batch', 4, 5), x(5)]), ['batch', 4]],
    ['QuantizeLinear', oneNode('QuantizeLinear', [image, scales()]), ['batch', 4, 13, 11], 'uint8'],
    [
      'QuantizeLinear an axis at a time',
      oneNode('QuantizeLinear', [image, scales(4), byte('int8', 4)], { axis: int(1) }),
      ['batch', 4, 13, 11],
      'int8',
    ],
    [
      'DequantizeLinear',
      oneNode('DequantizeLinear', [{ dtype: 'int8', dims: ['n', 5] }, scales(5), byte('int8', 5)], {
        axis: int(-1),
      }),
      ['n', 5],
    ],
    ['Constant', oneNode('Constant', [], { value: { type: 'tensor', value: i64(1, 2, 3) } }), [3], 'int64'],
  ];
  for (const [what, graph, dims, dtype = 'float32'] of cases) {
    it(what, async () => {
      const shapes = await assertAsRun(graph);
      assert.deepEqual(shapes.get('y'), { dtype, dims });
    });
  }

  it('MaxPool with indices', async () => {
    const shapes = await assertAsRun(oneNode('MaxPool', [image], { kernel_shape: square }, 2));
    assert.deepEqual(shapes.get('y_1'), { dtype: 'int64', dims: ['batch', 4, 11, 9] });
  });

  it('BatchNormalization in training mode', async () => {
    const inputs = [image, weights(4), weights(4), weights(4), weights(4)];
    const shapes = await assertAsRun(oneNode('BatchNormalization', inputs, { training_mode: int(1) }, 3));
    assert.deepEqual(shapes.get('y_1')!.dims, [4]);
    assert.deepEqual(shapes.get('y_2')!.dims, [4]);
  });

  it('DynamicQuantizeLinear', async () => {
    const shapes = await assertAsRun(oneNode('DynamicQuantizeLinear', [x('n', 5)], {}, 3));
    assert.deepEqual(
      ['y', 'y_1', 'y_2'].map((name) => shapes.get(name)),
      [
        { dtype: 'uint8', dims: ['n', 5] },
        { dtype: 'float32', dims: [] },
        { dtype: 'uint8', dims: [] },
      ],
    );
  });

  it('Reshape by a Constant node', async () => {
    const b = new GraphBuilder('case');
    b.input('x', 'float32', ['batch', 8]);
    const shape = b.node('Constant', [], { value: { type: 'tensor', value: i64(0, 2, 4) } });
    b.node('Reshape', ['x', shape], {}, { name: 'y' });
    assert.deepEqual((await assertAsRun(b.graph)).get('y')!.dims, ['batch', 2, 4]);
  });
});

describe('what does not fit is refused, and the node named', () => {
  const image = x('batch', 4, 13, 11);
  const cases: [what: string, graph: Graph, message: RegExp][] = [
    ['an unknown operator', oneNode('LSTM', [image]), /operator LSTM are not known/],
    ['a missing input', oneNode('Conv', [image]), /input 1 is missing/],
    ['channels', oneNode('Conv', [image, weights(6, 3, 3, 3)]), /has 4 channels, .* takes 3/],
    ['rank', oneNode('Conv', [x('n', 4), weights(6, 4, 3, 3)]), /\[n, 4\], it needs 4 dimensions/],
    ['groups', oneNode('Conv', [image, weights(5, 2, 1, 1)], { group: int(2) }), /5 output .* 2 groups/],
    ['bias', oneNode('Conv', [image, weights(6, 4, 1, 1), weights(5)]), /bias is \[5\], it needs \[6\]/],
    [
      'kernel_shape',
      oneNode('Conv', [image, weights(6, 4, 3, 3)], { kernel_shape: ints([5, 5]) }),
      /kernel_shape is \[5,5\], its weight is \[6, 4, 3, 3\]/,
    ],
    [
      'too few pads',
      oneNode('Conv', [image, weights(6, 4, 1, 1)], { pads: ints([1, 1]) }),
      /its pads are \[1,1\]/,
    ],
    [
      'a stride of 0',
      oneNode('Conv', [image, weights(6, 4, 1, 1)], { strides: ints([0, 1]) }),
      /strides are/,
    ],
    ['a large window', oneNode('Conv', [image, weights(6, 4, 15, 1)]), /spans 15 where .* 0 has 13/],
    ['auto_pad', oneNode('Conv', [image, weights(6, 4, 1, 1)], { auto_pad: str('FULL') }), /"FULL"/],
    ['a pool without kernel', oneNode('MaxPool', [image]), /kernel_shape is \[\], it needs 2/],
    [
      'batch norm parameters',
      oneNode('BatchNormalization', [image, weights(4), weights(4), weights(5), weights(4)]),
      /input 3 is \[5\], .* has 4 channels/,
    ],
    ['shapes that do not broadcast', oneNode('Add', [image, weights(4)]), /\[batch, 4, 13, 11\] and \[4\]/],
    ['mixed types', oneNode('Add', [image, i64(1)]), /of float32 and int64/],
    ['clip bounds', oneNode('Clip', [image, weights(4)]), /minimum is \[4\], not a scalar/],
    ['a softmax axis', oneNode('Softmax', [x('n', 3)], { axis: int(2) }), /axis 2 is out of range/],
    ['a cast', oneNode('Cast', [image], { to: int(99) }), /unsupported data type 99/],
    ['inner sizes of Gemm', oneNode('Gemm', [x('n', 64), weights(63, 10)]), /64 is not 63/],
    ['the addend of Gemm', oneNode('Gemm', [x(2, 64), weights(64, 10), weights(3, 10)]), /do not broadcast/],
    ['inner sizes of MatMul', oneNode('MatMul', [x('n', 64), weights(63, 10)]), /64 is not 63/],
    ['a reshape', oneNode('Reshape', [x(6, 4), i64(5, -1)]), /\[6, 4\] does not reshape to \[5,-1\]/],
    ['a reshape without -1', oneNode('Reshape', [x(6, 4), i64(5, 5)]), /does not reshape/],
    ['a reshape with two -1', oneNode('Reshape', [x(6, 4), i64(-1, -1)]), /more than one -1/],
    ['a computed shape', oneNode('Reshape', [x(6, 4), { dtype: 'int64', dims: [2] }]), /shape is computed/],
    ['a perm', oneNode('Transpose', [x(6, 4)], { perm: ints([0, 0]) }), /perm \[0,0\]/],
    ['pads', oneNode('Pad', [x(6, 4), i64(1, 1)]), /its pads are \[1,1\], \[6, 4\] needs 4/],
    ['parts', oneNode('Concat', [x(6, 4), x(6, 5)], { axis: int(0) }), /do not join along axis 0/],
    ['a squeeze', oneNode('Squeeze', [x(6, 4), i64(1)]), /axis 1 of \[6, 4\] is not 1/],
    ['a scale', oneNode('QuantizeLinear', [image, scales(3)]), /scale is \[3\], axis 1 .* has 4/],
    [
      'zero points',
      oneNode('DequantizeLinear', [{ dtype: 'int8', dims: [4] }, scales(), byte('uint8')]),
      /zero point is uint8, its input int8/,
    ],
    [
      'an attribute of another operator',
      oneNode('Relu', [image], { alpha: float(1) }),
      /"alpha" is not supported, see .*__Relu/,
    ],
    [
      'more parts than outputs',
      oneNode('Split', [x(6, 4)], { num_outputs: int(2 ** 53) }, 2),
      /gives 9007199254740992 parts, it has 2/,
    ],
    ['a shape below 0', oneNode('ConstantOfShape', [i64(-1, -3)]), /its shape is \[-1, -3\]/],
    ['steps of 0', oneNode('Slice', [x(6, 4), i64(0), i64(2), i64(0), i64(0)]), /steps must not be 0/],
    [
      'a range in steps of 0',
      oneNode('Range', [int64Tensor([0], []), int64Tensor([5], []), int64Tensor([0], [])]),
      /counts in steps of 0/,
    ],
    [
      'an equation',
      oneNode('Einsum', [x(6, 4)], { equation: str('i->j->k') }),
      /equation is "i->j->k", which is none/,
    ],
    [
      'heads',
      oneNode('Attention', [x(1, 5, 7), x(1, 5, 7), x(1, 5, 7)], {
        q_num_heads: int(2),
        kv_num_heads: int(2),
      }),
      /does not divide into 2 heads/,
    ],
    [
      'a region of scales',
      oneNode('Resize', [image, '', floatTensor([4], [1, 1, 2, 2])], {
        coordinate_transformation_mode: str('tf_crop_and_resize'),
      }),
      /give sizes/,
    ],
    ['too few scales', oneNode('Resize', [image, '', floatTensor([1], [2])]), /its scales are 1, .* needs 4/],
    [
      'blocks',
      oneNode('DepthToSpace', [x(1, 6, 2, 2)], { blocksize: int(2) }),
      /axis 1 of .* does not divide by 4/,
    ],
    [
      'blocks that are too many',
      oneNode('Col2Im', [x(1, 9, 5), int64Tensor([4, 3]), int64Tensor([3, 3])]),
      /its input has 5 blocks, its image .* has room for 2/,
    ],
    [
      'blocks of other channels',
      oneNode('Col2Im', [x(1, 8, 2), int64Tensor([4, 3]), int64Tensor([3, 3])]),
      /axis 1 of its input, 8, does not divide by 9/,
    ],
    [
      'indices of too many coordinates',
      oneNode('GatherND', [x(6, 4), { dtype: 'int64', dims: [2, 3] }]),
      /its indices are/,
    ],
    [
      'updates',
      oneNode('ScatterElements', [x(6, 4), { dtype: 'int64', dims: [1, 4] }, x(2, 4)]),
      /its updates are \[2, 4\]/,
    ],
    [
      'groups of channels',
      oneNode('GroupNormalization', [image, weights(4), weights(4)], { num_groups: int(3) }),
      /4 channels do not divide into 3 groups/,
    ],
    [
      'a bias of a norm',
      oneNode('LayerNormalization', [x('n', 5), weights(5), weights(4)]),
      /do not broadcast/,
    ],
    ['a condition', oneNode('Where', [x(2), x(2), x(2)]), /its condition is float32/],
    ['slopes', oneNode('PRelu', [x(2), weights(3, 2)]), /its slope is/],
    ['an output too many', oneNode('Relu', [image], {}, 2), /has an output 1/],
  ];
  for (const [what, graph, message] of cases) {
    it(what, () => {
      assert.throws(
        () => inferShapes(graph),
        (error) => {
          assert.ok(error instanceof UserError, String(error));
          assert.match(error.message, /^node "\w+:y" \(\w+\): /);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  it('a value that no node computes', () => {
    const b = new GraphBuilder('case');
    b.node('Relu', ['nowhere']);
    assert.throws(() => inferShapes(b.graph), /\(Relu\): its input "nowhere" is not defined before it/);
  });

  it('an operator of another domain', () => {
    const b = new GraphBuilder('case');
    b.input('x', 'float32', [2]);
    b.node('Relu', ['x'], {}, { domain: 'com.example' });
    assert.throws(() => inferShapes(b.graph), /operator com\.example\.Relu are not known/);
  });

  it('graph outputs', () => {
    const graph = oneNode('Relu', [image]);
    const declare = (name: string, dims: Dim[], dtype: DataType = 'float32') =>
      inferShapes({ ...graph, outputs: [{ name, dtype, dims }] });
    assert.ok(declare('y', ['any', 4, 13, 11]).has('y'));
    assert.throws(() => declare('z', []), /graph output "z" is computed by no node/);
    assert.throws(
      () => declare('y', ['batch', 5, 13, 11]),
      /"y" is declared as float32 \[batch, 5, 13, 11\] /,
    );
    assert.throws(() => declare('y', ['batch', 4, 13]), UserError);
    assert.throws(() => declare('y', ['batch', 4, 13, 11], 'int64'), UserError);
  });
});
