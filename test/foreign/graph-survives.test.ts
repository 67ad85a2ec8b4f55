import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { loadClassifier } from '../../core/foreign-model/load-classifier.ts';
import { openInThread, openModel } from '../../core/foreign-model/open-model.ts';
import { softmax } from '../../core/metrics/softmax.ts';
import { type DataType, floatTensor, int64Tensor, type TensorValue } from '../../core/onnx/graph.ts';
import { type Onnx, onnx } from '../../core/onnx/newer-fields.ts';
import { dataTypeCode, encodeTensor } from '../../core/onnx/tensor-proto.ts';
import { Normalizer } from '../../core/preprocess/normalize.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';

const folder = mkdtempSync(join(tmpdir(), 'survives-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const Type = onnx.AttributeProto.AttributeType;
/** What a red picture gets: the scores 2, -2, -2. */
const RED = Math.exp(2) / (Math.exp(2) + 2 * Math.exp(-2));
const PREPROCESSING = { mean: 0.5, std: 0.5, labels: ['red', 'green', 'blue'] };

const ints = (name: string, values: number[]): Onnx.IAttributeProto => ({
  name,
  type: Type.INTS,
  ints: values,
});
const int = (name: string, i: number): Onnx.IAttributeProto => ({ name, type: Type.INT, i });
const node = (
  opType: string,
  input: string[],
  output: string[],
  more: Onnx.INodeProto = {},
): Onnx.INodeProto => ({
  ...{ opType, input, output, name: `makes ${output.join()}`, ...more },
});

interface Net {
  opset?: number;
  ir?: number;
  input?: { dtype?: DataType; dims?: (number | string)[] };
  outputType?: DataType;
  /** From `data` to `x`, and from `logits` to `scores`. */
  head?: Onnx.INodeProto[];
  tail?: Onnx.INodeProto[];
  /** The weight `W`, and how it becomes `w`. */
  weight?: Onnx.ITensorProto;
  unpack?: Onnx.INodeProto[];
  tensors?: Record<string, TensorValue>;
  functions?: Onnx.IFunctionProto[];
  reversed?: boolean;
}

const DOUBLE = [2, 0, 0, 0, 2, 0, 0, 0, 2];

/** Twice the mean of each channel. */
function net(given: Net): Uint8Array {
  const {
    opset = 13,
    ir = 8,
    input = {},
    outputType = 'float32',
    head,
    tail,
    tensors = {},
    functions,
  } = given;
  const value = (name: string, dtype: DataType, dims: (number | string)[]): Onnx.IValueInfoProto => ({
    name,
    type: {
      tensorType: {
        elemType: dataTypeCode(dtype),
        shape: { dim: dims.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d })) },
      },
    },
  });
  const dims = input.dims ?? ['N', 3, 8, 8];
  const nodes = [
    ...(head ?? [node('Identity', ['data'], ['x'])]),
    node('GlobalAveragePool', ['x'], ['pooled']),
    node('Flatten', ['pooled'], ['flat'], { attribute: [int('axis', 1)] }),
    ...(given.unpack ?? [node('Identity', ['W'], ['w'])]),
    node('MatMul', ['flat', 'w'], ['logits']),
    ...(tail ?? [node('Softmax', ['logits'], ['scores'], { attribute: [int('axis', 1)] })]),
  ];
  const initializer = [
    { ...(given.weight ?? encodeTensor('', floatTensor([3, 3], DOUBLE))), name: 'W' },
    ...Object.entries(tensors).map(([name, tensor]) => encodeTensor(name, tensor)),
  ];
  const graph: Onnx.IGraphProto = {
    ...{ name: 'g', node: given.reversed ? nodes.reverse() : nodes, initializer },
    input: [
      value('data', input.dtype ?? 'float32', dims),
      // As models before IR 4 list them.
      ...(ir < 4
        ? initializer.map(({ name, dims: sizes, dataType }) => ({
            ...value(name ?? '', 'float32', (sizes ?? []).map(Number)),
            ...(dataType === 1 ? {} : { type: { tensorType: { elemType: dataType! } } }),
          }))
        : []),
    ],
    output: [value('scores', outputType, [dims[0]!, 3])],
  };
  const opsetImport = [
    { domain: '', version: opset },
    { domain: 'my', version: 1 },
  ];
  return new Uint8Array(
    onnx.ModelProto.encode({
      irVersion: ir,
      opsetImport,
      graph,
      functions: functions ?? [],
    } as Onnx.IModelProto).finish(),
  );
}

let files = 0;
/** The probability of red of a red picture, the second of two. */
async function red(
  bytes: Uint8Array,
  json: object = PREPROCESSING,
  open?: typeof openModel,
): Promise<number> {
  const path = join(folder, `model${files++}`);
  writeFileSync(`${path}.onnx`, bytes);
  writeFileSync(`${path}.json`, JSON.stringify(json));
  const { bytes: adapted, metadata } = await loadClassifier(`${path}.onnx`, {
    source: 'm.onnx',
    ...(open && { open }),
  });
  const pixels = Uint8Array.from({ length: 192 }, (_, i) => (i % 3 === 0 ? 255 : 0));
  const images = new Float32Array(2 * 192);
  new Normalizer(metadata).interleaved(pixels, 3, images.subarray(192), 0, 64);
  const session = await openSession(adapted, { quiet: true });
  const { logits } = await session.run({ input: new Tensor('float32', images, [2, 3, 8, 8]) });
  await session.release();
  return softmax((logits!.data as Float32Array).slice(3))[0]!;
}

const isRed = async (bytes: Uint8Array, json?: object, tolerance = 1e-5): Promise<void> => {
  const probability = await red(bytes, json);
  assert.ok(Math.abs(probability - RED) < tolerance, `${probability} instead of ${RED}`);
};
const isRefused = (bytes: Uint8Array, message: RegExp, json?: object, open?: typeof openModel) =>
  assert.rejects(red(bytes, json, open), (error: Error) => {
    assert.ok(error instanceof UserError, error.stack);
    assert.match(error.message, message);
    assert.match(error.message, /^m\.onnx[^\n]*$/);
    return true;
  });

describe('operator sets of old', () => {
  for (const opset of [7, 8, 9, 10, 11]) {
    const ir = opset < 9 ? 3 : 4;
    const bytes = { dtype: 'uint8' } as const;
    const scaled = [
      node('Cast', ['data'], ['float'], { attribute: [int('to', 1)] }),
      node('Sub', ['float', 'half'], ['centred']),
      node('Div', ['centred', 'half'], ['x']),
    ];
    const half = { half: floatTensor([], [127.5]) };
    it(`${opset}: softmax, by its axis or the default one, BGR, NHWC, bytes, one image at a time`, async () => {
      await isRed(net({ opset, ir }));
      await isRed(net({ opset, ir, tail: [node('Softmax', ['logits'], ['scores'])] }));
      const reversed = floatTensor([3, 3], [0, 0, 2, 0, 2, 0, 2, 0, 0]);
      await isRed(net({ opset, ir, weight: encodeTensor('', reversed) }), { ...PREPROCESSING, color: 'BGR' });
      const head = [node('Transpose', ['data'], ['x'], { attribute: [ints('perm', [0, 3, 1, 2])] })];
      await isRed(net({ opset, ir, head, input: { dims: ['N', 8, 8, 3] } }));
      await isRed(net({ opset, ir, input: bytes, head: scaled, tensors: half }), {
        labels: PREPROCESSING.labels,
      });
      await isRed(net({ opset, ir, input: { dims: [1, 3, 8, 8] } }));
      await isRed(net({ opset, ir, input: { dims: [1, 8, 8, 3] }, head }));
    });
  }
});

describe('weights of narrow types', () => {
  const unpack = [node('Cast', ['W'], ['w'], { attribute: [int('to', 1)] })];
  const packed = (dataType: number, int32Data: number[]): Onnx.ITensorProto => ({
    dataType,
    dims: [3, 3],
    int32Data,
  });
  const cases: [string, Onnx.ITensorProto, number][] = [
    ['int4', packed(22, [0x02, 0x00, 0x02, 0x00, 0x02]), 21],
    ['uint4', packed(21, [0x02, 0x00, 0x02, 0x00, 0x02]), 21],
    [
      'float8e4m3fn',
      packed(
        17,
        DOUBLE.map((v) => (v === 2 ? 0x40 : 0)),
      ),
      19,
    ],
    [
      'float8e5m2',
      packed(
        19,
        DOUBLE.map((v) => (v === 2 ? 0x40 : 0)),
      ),
      19,
    ],
    [
      'bfloat16',
      packed(
        16,
        DOUBLE.map((v) => (v === 2 ? 0x4000 : 0)),
      ),
      19,
    ],
    [
      'float16',
      packed(
        10,
        DOUBLE.map((v) => (v === 2 ? 0x4000 : 0)),
      ),
      19,
    ],
  ];
  for (const [name, weight, opset] of cases) {
    it(name, () => isRed(net({ weight, unpack, opset, ir: opset < 21 ? 9 : 10 })));
  }
});

describe('quantised pictures and scores', () => {
  const quantized = (dtype: 'uint8' | 'int8', zero: number, out: number, softmaxed = true): Net => {
    const number = (value: number): TensorValue => ({
      ...{ dtype, dims: [], data: dtype === 'int8' ? Int8Array.of(value) : Uint8Array.of(value) },
    });
    const last = softmaxed ? 'p' : 'logits';
    return {
      ...{ input: { dtype }, outputType: dtype },
      head: [node('DequantizeLinear', ['data', 'in_scale', 'in_zero'], ['x'])],
      tail: [
        ...(softmaxed ? [node('Softmax', ['logits'], ['p'], { attribute: [int('axis', 1)] })] : []),
        node('QuantizeLinear', [last, 'out_scale', 'out_zero'], ['scores']),
      ],
      tensors: {
        ...{ in_scale: floatTensor([], [1 / 127.5]), in_zero: number(zero) },
        ...{ out_scale: floatTensor([], [softmaxed ? 1 / 256 : 4 / 127]), out_zero: number(out) },
      },
    };
  };
  // Scores in steps of 1/256.
  const near = 0.005;

  it('are served: uint8 and int8, with preprocessing of real numbers, or of bytes as they are', async () => {
    await isRed(net(quantized('uint8', 128, 0)), PREPROCESSING, near);
    await isRed(net({ ...quantized('uint8', 128, 0), opset: 10 }), PREPROCESSING, near);
    await isRed(net(quantized('int8', 0, -128)), PREPROCESSING, near);
    await isRed(net(quantized('int8', 0, 0, false)), PREPROCESSING, near);
    await isRed(net(quantized('uint8', 128, 0)), { labels: PREPROCESSING.labels }, near);
  });

  it('are refused where preprocessing gives what they cannot take, or nothing says what they mean', async () => {
    const bytes = {
      ...quantized('uint8', 128, 0),
      head: [node('Cast', ['data'], ['x'], { attribute: [int('to', 1)] })],
    };
    await isRefused(
      net(bytes),
      /takes uint8, whole numbers from 0 to 255, but "mean", "std" .* give -1 to 509; leave them out/,
    );
    const between = quantized('uint8', 0, 0);
    between.tensors!.in_scale = floatTensor([], [1 / 255]);
    await isRefused(
      net(between),
      /takes uint8, quantised values of 0 to 1, but .* give -1 to 1; give such that fit, or leave/,
    );
    await isRefused(
      net(quantized('int8', 0, -128)),
      /JSON file must give "mean" and "std"|does not say how/,
      { labels: PREPROCESSING.labels },
    );
    const tail = [node('Cast', ['logits'], ['scores'], { attribute: [int('to', 2)] })];
    await isRefused(
      net({ tail, outputType: 'uint8' }),
      /output "scores" is uint8, and no QuantizeLinear says what/,
    );
  });
});

describe('graphs', () => {
  it('whose nodes are in any order', () => isRed(net({ reversed: true })));

  it('with functions of the same name', async () => {
    const define = (overload: string, op: string): Onnx.IFunctionProto => ({
      ...{ domain: 'my', name: 'Act', overload, input: ['a'], output: ['b'], node: [node(op, ['a'], ['b'])] },
      opsetImport: [{ domain: '', version: 13 }],
    });
    const functions = [define('one', 'Identity'), define('two', 'Neg')];
    const tail = [node('Act', ['logits'], ['scores'], { domain: 'my', overload: 'one' })];
    await isRed(net({ functions, tail, ir: 10 }));
    await isRed(net({ functions, tail, ir: 10, input: { dims: [1, 3, 8, 8] } }));
    const other = [node('Act', ['logits'], ['scores'], { domain: 'my', overload: 'two' })];
    assert.ok((await red(net({ functions, tail: other, ir: 10 }))) < 0.1);
  });

  it('with float16 pictures and scores', async () => {
    const cast = (from: string, to: string, type: number) =>
      node('Cast', [from], [to], { attribute: [int('to', type)] });
    const half = { dtype: 'float16' } as const;
    const given: Net = {
      input: half,
      outputType: 'float16',
      head: [cast('data', 'x', 1)],
      tail: [cast('logits', 'scores', 10)],
    };
    await isRed(net(given), PREPROCESSING, 1e-3);
    // As a server tries it.
    assert.ok(Math.abs((await red(net(given), PREPROCESSING, openInThread)) - RED) < 1e-3);
  });

  it('with a list of channels that some readers get wrong', async () => {
    const order = { order: int64Tensor([0, 1, 2]) };
    const head = [node('Gather', ['data', 'order'], ['x'], { attribute: [int('axis', 1)] })];
    await isRed(net({ head, tensors: order }));
  });
});

it('a model that gives other scores once it is adapted is refused', async () => {
  const bytes = net({});
  const broken: typeof openModel = async (model) => {
    const opened = await openModel(model);
    return {
      ...opened,
      run: async (images, dims, ends) => {
        const { data, ...rest } = await opened.run(images, dims, ends);
        return { data: ends ? (data as Float32Array).slice().reverse() : data, ...rest };
      },
    };
  };
  await isRed(bytes);
  await isRefused(
    bytes,
    /cannot be served: it gives .* for a picture, and .* once adapted .*; export it again/,
    PREPROCESSING,
    broken,
  );
});
