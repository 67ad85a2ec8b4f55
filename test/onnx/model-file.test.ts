import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import onnxProto, { type onnx as Onnx } from 'onnx-proto';
import { UserError } from '../../core/errors.ts';
import { buildModel } from '../../core/models/zoo.ts';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import {
  type Attribute,
  float,
  floatTensor,
  type Graph,
  int,
  int64Tensor,
  ints,
  str,
  type TensorValue,
} from '../../core/onnx/graph.ts';
import { decodeModel, encodeModel, IR_VERSION, OPSET_VERSION } from '../../core/onnx/model-file.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';

const { onnx } = onnxProto;
const Type = onnx.TensorProto.DataType;

/** A tensor of every element type, with the extremes of each. */
const TENSORS: Readonly<Record<string, TensorValue>> = {
  float32: {
    dtype: 'float32',
    dims: [2, 2],
    data: Float32Array.of(1.5, -0, Number.NEGATIVE_INFINITY, 1e-45),
  },
  float16: { dtype: 'float16', dims: [2], data: Uint16Array.of(0x3c00, 0xfbff) },
  float64: { dtype: 'float64', dims: [2], data: Float64Array.of(Math.PI, -5e-324) },
  int64: { dtype: 'int64', dims: [3], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, -1n) },
  int32: { dtype: 'int32', dims: [1, 3], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1, -1) },
  int8: { dtype: 'int8', dims: [3], data: Int8Array.of(-128, 127, -1) },
  uint8: { dtype: 'uint8', dims: [2], data: Uint8Array.of(0, 255) },
  bool: { dtype: 'bool', dims: [2], data: Uint8Array.of(1, 0) },
  bfloat16: { dtype: 'bfloat16', dims: [2], data: Uint16Array.of(0x3f80, 0xff80) },
  int16: { dtype: 'int16', dims: [2], data: Int16Array.of(-(2 ** 15), 2 ** 15 - 1) },
  uint16: { dtype: 'uint16', dims: [1], data: Uint16Array.of(0xffff) },
  uint32: { dtype: 'uint32', dims: [1], data: Uint32Array.of(0xffffffff) },
  uint64: { dtype: 'uint64', dims: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
  string: {
    dtype: 'string',
    dims: [2],
    data: new Uint8Array(0),
    texts: [Uint8Array.of(0xc3, 0xa9), new Uint8Array(0)],
  },
  complex64: { dtype: 'complex64', dims: [1], data: Float32Array.of(1, -2) },
  complex128: { dtype: 'complex128', dims: [1], data: Float64Array.of(1, -2) },
  float8e4m3fn: { dtype: 'float8e4m3fn', dims: [2], data: Uint8Array.of(0x38, 0xff) },
  float8e4m3fnuz: { dtype: 'float8e4m3fnuz', dims: [1], data: Uint8Array.of(0x80) },
  float8e5m2: { dtype: 'float8e5m2', dims: [1], data: Uint8Array.of(0x7c) },
  float8e5m2fnuz: { dtype: 'float8e5m2fnuz', dims: [1], data: Uint8Array.of(0x80) },
  float8e8m0: { dtype: 'float8e8m0', dims: [1], data: Uint8Array.of(127) },
  uint4: { dtype: 'uint4', dims: [3], data: Uint8Array.of(0xf1, 0x02) },
  int4: { dtype: 'int4', dims: [1, 3], data: Uint8Array.of(0x8f, 0x07) },
  float4e2m1: { dtype: 'float4e2m1', dims: [2], data: Uint8Array.of(0x21) },
  uint2: { dtype: 'uint2', dims: [5], data: Uint8Array.of(0b11_10_01_00, 0b01) },
  int2: { dtype: 'int2', dims: [4], data: Uint8Array.of(0b11_10_01_00) },
  float6e2m3: { dtype: 'float6e2m3', dims: [4], data: Uint8Array.of(1, 2, 3) },
  float6e3m2: { dtype: 'float6e3m2', dims: [5], data: Uint8Array.of(1, 2, 3, 4) },
  scalar: floatTensor([], [7]),
  empty: floatTensor([0, 3], []),
};

const ATTRIBUTES: Readonly<Record<string, Attribute>> = {
  int: int(3),
  negativeInt: int(-1),
  largeInt: int(Number.MAX_SAFE_INTEGER),
  smallInt: int(Number.MIN_SAFE_INTEGER),
  zero: int(0),
  float: float(0.25),
  negativeFloat: float(-1.5),
  zeroFloat: float(0),
  string: str('größe'),
  emptyString: str(''),
  ints: ints([1, -2, 0, -(2 ** 40)]),
  noInts: ints([]),
  floats: { type: 'floats', value: [0.5, -2, 0] },
  strings: { type: 'strings', value: ['a', '', 'ü'] },
  tensor: { type: 'tensor', value: TENSORS.int64! },
  graph: {
    type: 'graph',
    value: {
      name: 'body',
      inputs: [{ name: 'i', dtype: 'int64', dims: [] }],
      outputs: [{ name: 'o', dtype: 'float32', dims: ['batch'] }],
      // It reads a value of the graph around it.
      nodes: [{ op: 'Any', domain: '', name: '', inputs: ['i', 'x'], outputs: ['o'], attributes: {} }],
      initializers: new Map(),
    },
  },
  emptyTensor: { type: 'tensor', value: TENSORS.empty! },
};

function fullGraph(): Graph {
  return {
    name: 'everything',
    inputs: [
      { name: 'x', dtype: 'float32', dims: ['batch', 3, 'h', 4] },
      { name: 'flag', dtype: 'bool', dims: [] },
    ],
    outputs: [{ name: 'y', dtype: 'int64', dims: ['batch'] }],
    nodes: [
      {
        op: 'Any',
        domain: '',
        name: 'first',
        inputs: ['x', '', 'float32'],
        outputs: ['t', ''],
        attributes: { ...ATTRIBUTES },
      },
      { op: 'Gelu', domain: 'com.microsoft', name: '', inputs: ['t'], outputs: ['y'], attributes: {} },
    ],
    initializers: new Map(Object.entries(TENSORS)),
  };
}

const PROPS = { labels: '["ä","b"]', empty: '' };

function refuses(bytes: Uint8Array, message: RegExp): void {
  assert.throws(
    () => decodeModel(bytes, 'm.onnx'),
    (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, message);
      assert.match(error.message, /^m\.onnx[^\n]*$/);
      return true;
    },
  );
}

describe('a model file', () => {
  it('gives back every attribute, tensor type, shape and property', () => {
    const decoded = decodeModel(encodeModel(fullGraph(), PROPS));
    assert.deepEqual(decoded, { graph: fullGraph(), metadata: PROPS, opset: OPSET_VERSION });
  });

  it('declares IR 8, opset 15, and opset 1 of other domains', () => {
    const model = onnx.ModelProto.decode(encodeModel(fullGraph()));
    assert.deepEqual([Number(model.irVersion), IR_VERSION, OPSET_VERSION], [8, 8, 15]);
    const opsets = model.opsetImport.map(({ domain, version }) => [domain, Number(version)]);
    assert.deepEqual(opsets, [
      ['', 15],
      ['com.microsoft', 1],
    ]);
  });

  it('is the same bytes every time', () => {
    assert.deepEqual(encodeModel(fullGraph(), PROPS), encodeModel(fullGraph(), PROPS));
  });

  it('is read from a Buffer and from a view at an odd offset', () => {
    const bytes = encodeModel(fullGraph(), PROPS);
    const padded = new Uint8Array(bytes.length + 12).fill(0xff);
    padded.set(bytes, 5);
    for (const source of [Buffer.from(bytes), padded.subarray(5, 5 + bytes.length)]) {
      assert.deepEqual(decodeModel(source).graph, fullGraph());
    }
    assert.deepEqual(decodeModel(Buffer.from(padded.buffer, 5, bytes.length)).graph, fullGraph());
  });

  it('has tensors of its own: later changes of the bytes do not show', () => {
    for (const bytes of [Buffer.from(encodeModel(fullGraph())), encodeModel(fullGraph())]) {
      const { graph } = decodeModel(bytes);
      bytes.fill(0);
      assert.deepEqual(graph, fullGraph());
    }
  });

  it('is written from tensors that are views', () => {
    const graph = fullGraph();
    const data = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    graph.initializers.set('view', { dtype: 'float32', dims: [2], data });
    assert.deepEqual([...decodeModel(encodeModel(graph)).graph.initializers.get('view')!.data], [1, 2]);
  });

  it('runs in onnxruntime with negative attributes', async () => {
    const b = new GraphBuilder('net');
    const x = b.input('x', 'float32', ['n', 2, 3]);
    b.node('Concat', [x, x], { axis: int(-1) }, { name: 'y' });
    b.output('y', 'float32', ['n', 2, 6]);
    const session = await openSession(encodeModel(b.graph));
    const { y } = await session.run({ x: new Tensor('float32', new Float32Array(6), [1, 2, 3]) });
    await session.release();
    assert.deepEqual([...y!.dims], [1, 2, 6]);
  });

  it('keeps the largest and smallest number of 64 bits, as Slice had for "to the last"', async () => {
    const b = new GraphBuilder('case');
    b.node(
      'Slice',
      [b.input('x', 'float32', [3])],
      { starts: ints([-(2 ** 63)]), ends: ints([2 ** 63]) },
      { name: 'y' },
    );
    b.output('y', 'float32', [3]);
    const bytes = encodeModel(decodeModel(encodeModel(b.graph, {}, { opset: 9 })).graph, {}, { opset: 9 });
    const [node] = onnx.ModelProto.decode(bytes).graph!.node!;
    const told = node!.attribute!.map(({ ints: list }) => String(list![0]));
    assert.deepEqual(told, [String(-(2n ** 63n)), String(2n ** 63n - 1n)]);
    assert.deepEqual([...int64Tensor([2 ** 63, -(2 ** 63)]).data], [2n ** 63n - 1n, -(2n ** 63n)]);
    const session = await openSession(bytes);
    const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(1, 2, 3), [3]) });
    assert.deepEqual([...(y!.data as Float32Array)], [1, 2, 3]);
  });
});

describe('a model file of another program', () => {
  /** A model with one node, and so much else as the test says. */
  const model = (graph: Onnx.IGraphProto, rest: Onnx.IModelProto = {}): Uint8Array =>
    onnx.ModelProto.encode(
      onnx.ModelProto.fromObject({
        graph: {
          node: [{ opType: 'Relu', output: ['y'] }],
          output: [{ name: 'y', type: { tensorType: { elemType: Type.FLOAT } } }],
          ...graph,
        },
        ...rest,
      }),
    ).finish();
  const tensor = (initializer: Onnx.ITensorProto) =>
    decodeModel(model({ initializer: [{ name: 't', ...initializer }] }), 'm.onnx').graph.initializers.get(
      't',
    );

  it('may hold its numbers in typed fields', () => {
    const typed: [Onnx.ITensorProto, TensorValue][] = [
      [{ dataType: Type.FLOAT, dims: [2], floatData: [1.5, -2] }, floatTensor([2], [1.5, -2])],
      [
        { dataType: Type.DOUBLE, dims: [1], doubleData: [Math.PI] },
        { dtype: 'float64', dims: [1], data: Float64Array.of(Math.PI) },
      ],
      [
        { dataType: Type.INT64, dims: [2], int64Data: [-1, Number.MAX_SAFE_INTEGER] },
        { dtype: 'int64', dims: [2], data: BigInt64Array.of(-1n, BigInt(Number.MAX_SAFE_INTEGER)) },
      ],
      [
        { dataType: Type.INT32, dims: [], int32Data: [-7] },
        { dtype: 'int32', dims: [], data: Int32Array.of(-7) },
      ],
      [
        { dataType: Type.INT8, dims: [2], int32Data: [-128, 5] },
        { dtype: 'int8', dims: [2], data: Int8Array.of(-128, 5) },
      ],
      [
        { dataType: Type.UINT8, dims: [1], int32Data: [255] },
        { dtype: 'uint8', dims: [1], data: Uint8Array.of(255) },
      ],
      [
        { dataType: Type.BOOL, dims: [2], int32Data: [1, 0] },
        { dtype: 'bool', dims: [2], data: Uint8Array.of(1, 0) },
      ],
      [
        { dataType: Type.FLOAT16, dims: [1], int32Data: [0xfbff] },
        { dtype: 'float16', dims: [1], data: Uint16Array.of(0xfbff) },
      ],
    ];
    const whole: [Onnx.ITensorProto, TensorValue][] = [
      [
        { dataType: Type.UINT64, dims: [2], uint64Data: [0, Number.MAX_SAFE_INTEGER] },
        { dtype: 'uint64', dims: [2], data: BigUint64Array.of(0n, BigInt(Number.MAX_SAFE_INTEGER)) },
      ],
      [
        { dataType: Type.UINT32, dims: [1], uint64Data: [0xffffffff] },
        { dtype: 'uint32', dims: [1], data: Uint32Array.of(0xffffffff) },
      ],
      [
        { dataType: Type.INT16, dims: [1], int32Data: [-5] },
        { dtype: 'int16', dims: [1], data: Int16Array.of(-5) },
      ],
    ];
    // As Python's onnx.helper.make_tensor writes 0, 1, 1, 0, 1: of two and four bits packed, of six one by one.
    const narrow: [Onnx.ITensorProto, TensorValue][] = [
      [
        { dataType: 17, dims: [2], int32Data: [0, 56] },
        { ...TENSORS.float8e4m3fn!, data: Uint8Array.of(0, 56) },
      ],
      [
        { dataType: 22, dims: [5], int32Data: [16, 1, 1] },
        { dtype: 'int4', dims: [5], data: Uint8Array.of(16, 1, 1) },
      ],
      [
        { dataType: 25, dims: [5], int32Data: [20, 1] },
        { dtype: 'uint2', dims: [5], data: Uint8Array.of(20, 1) },
      ],
      [
        { dataType: 27, dims: [5], int32Data: [0, 8, 8, 0, 8] },
        // 000000 001000 001000 000000 001000, the lowest bits first.
        { dtype: 'float6e2m3', dims: [5], data: Uint8Array.of(0x00, 0x82, 0x00, 0x08) },
      ],
      [
        { dataType: Type.COMPLEX64, dims: [1], floatData: [1, -2] },
        { dtype: 'complex64', dims: [1], data: Float32Array.of(1, -2) },
      ],
    ];
    for (const [proto, expected] of [...typed, ...whole, ...narrow])
      assert.deepEqual(tensor(proto), expected);
  });

  it('may list its initializers among the inputs, and leave sizes open', () => {
    const float = (dim: Onnx.TensorShapeProto.IDimension[]) => ({
      tensorType: { elemType: Type.FLOAT, shape: { dim } },
    });
    const { graph, opset } = decodeModel(
      model(
        {
          input: [
            { name: 'x', type: float([{ dimParam: 'N' }, {}, { dimValue: 3 }]) },
            { name: 'w', type: float([{ dimValue: 1 }]) },
          ],
          initializer: [{ name: 'w', dataType: Type.FLOAT, dims: [1], floatData: [1] }],
        },
        { opsetImport: [{ domain: 'ai.onnx', version: 13 }] },
      ),
    );
    assert.deepEqual(graph.inputs, [{ name: 'x', dtype: 'float32', dims: ['N', 'x_1', 3] }]);
    assert.equal(opset, 13);
  });

  it('is refused with tensors we cannot hold', () => {
    const refused: [Onnx.ITensorProto, RegExp][] = [
      [{ dataType: 99 }, /tensor "t" has the unsupported data type 99/],
      [{ dataType: Type.STRING }, /holds 0 values, its shape \[\] needs 1/],
      [{ dataType: 22, dims: [3], rawData: new Uint8Array(3) }, /holds 3 bytes, its shape \[3\] needs 2/],
      [{ dims: [1] }, /tensor "t" has the unsupported data type/],
      [{ dataType: Type.FLOAT, dims: [2], floatData: [1] }, /holds 1 values, its shape \[2\] needs 2/],
      [{ dataType: Type.FLOAT, dims: [2 ** 40] }, /holds 0 values/],
      [{ dataType: Type.FLOAT, dims: [-1], floatData: [1] }, /negative size/],
      [
        { dataType: Type.FLOAT, dims: [2], rawData: new Uint8Array(7) },
        /holds 7 bytes, its shape \[2\] needs 8/,
      ],
      [
        { dataType: Type.FLOAT, dims: [1], dataLocation: onnx.TensorProto.DataLocation.EXTERNAL },
        /stored in an external file/,
      ],
    ];
    for (const [proto, message] of refused) {
      refuses(model({ initializer: [{ name: 't', ...proto }] }), message);
    }
  });

  it('is refused with attributes and inputs we cannot hold', () => {
    const attribute = { name: 'body', type: onnx.AttributeProto.AttributeType.SPARSE_TENSOR };
    refuses(
      model({ node: [{ name: 'n', attribute: [attribute] }] }),
      /node "n": attribute "body" has the unsupp/,
    );
    refuses(model({ input: [{ name: 'list', type: { sequenceType: {} } }] }), /"list" is not a tensor/);
  });
});

describe('a broken model file is refused', () => {
  it('at every length it can be cut to', () => {
    const bytes = encodeModel(fullGraph(), {});
    const { length: opsets } = onnx.ModelProto.encode({
      opsetImport: onnx.ModelProto.decode(bytes).opsetImport,
    }).finish();
    // All that follows the graph, which is cut as well, is the list of opsets.
    for (let length = 0; length < bytes.length - opsets; length++) {
      refuses(bytes.subarray(0, length), /not an ONNX model/);
      refuses(Buffer.from(bytes.subarray(0, length)), /not an ONNX model/);
    }
  });

  it('if it is something else', () => {
    refuses(new Uint8Array(0), /has no graph/);
    refuses(
      Buffer.from('<!doctype html><title>404</title>'),
      /is a web page in the place of the file itself/,
    );
    refuses(Buffer.from('{"model": "resnet20"}'), /not an ONNX model/);
    refuses(new Uint8Array(1000), /not an ONNX model/);
    refuses(new Uint8Array(1000).fill(0xff), /not an ONNX model/);
  });

  it('or at worst read as another graph, whatever byte is changed', () => {
    const bytes = encodeModel(buildModel('resnet20', { numClasses: 2 }), PROPS).slice(0, 4000);
    const whole = encodeModel(fullGraph(), PROPS);
    for (const source of [bytes, whole]) {
      for (let at = 0; at < source.length; at++) {
        const damaged = source.slice();
        damaged[at]! ^= 0x55;
        try {
          decodeModel(damaged, 'm.onnx');
        } catch (error) {
          assert.ok(error instanceof UserError, `byte ${at}: ${error}`);
        }
      }
    }
  });
});

it('an output of a type and no shape has the shape that it is computed in, where that can be told', () => {
  const model = onnx.ModelProto.decode(encodeModel(buildModel('resnet8', { numClasses: 10 })));
  for (const { type } of model.graph!.output!) type!.tensorType!.shape = null;
  const decode = () => decodeModel(onnx.ModelProto.encode(model).finish()).graph.outputs;
  assert.deepEqual(decode(), [{ name: 'logits', dtype: 'float32', dims: ['batch', 10] }]);
  for (const node of model.graph!.node!) if (node.opType === 'Gemm') node.opType = 'Unheard';
  assert.deepEqual(decode(), [{ name: 'logits', dtype: 'float32', dims: [] }]);
});
