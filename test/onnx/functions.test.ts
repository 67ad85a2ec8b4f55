import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../core/errors.ts';
import { decodeModel, encodeModel } from '../../core/onnx/model-file.ts';
import { type Onnx, onnx } from '../../core/onnx/newer-fields.ts';
import { openSession, Tensor } from '../../core/runtime/session.ts';

const Type = onnx.AttributeProto.AttributeType;
const { FLOAT, BOOL } = onnx.TensorProto.DataType;

const value = (name: string): Onnx.IValueInfoProto => ({
  name,
  type: { tensorType: { elemType: FLOAT, shape: { dim: [{ dimParam: 'n' }] } } },
});
const node = (opType: string, input: string[], output: string[], more: Onnx.INodeProto = {}) =>
  ({ opType, input, output, name: `makes ${output.join()}`, ...more }) satisfies Onnx.INodeProto;
const call = (opType: string, input: string[], output: string[], more: Onnx.INodeProto = {}) =>
  node(opType, input, output, { domain: 'my', ...more });
const float = (name: string, f: number): Onnx.IAttributeProto => ({ name, type: Type.FLOAT, f });
const given = (name: string, refAttrName: string): Onnx.IAttributeProto => ({
  ...{ name, refAttrName, type: Type.FLOAT },
});
const opsetImport = [
  { domain: '', version: 18 },
  { domain: 'my', version: 1 },
];
const define = (
  name: string,
  input: string[],
  output: string[],
  body: Onnx.INodeProto[],
  more: Onnx.IFunctionProto = {},
): Onnx.IFunctionProto => ({ domain: 'my', name, input, output, node: body, opsetImport, ...more });

function encode(nodes: Onnx.INodeProto[], functions: Onnx.IFunctionProto[] = []): Uint8Array {
  const graph: Onnx.IGraphProto = {
    ...{ name: 'g', node: nodes, input: [value('x')], output: [value('y')] },
    initializer: [{ name: 'one', dataType: FLOAT, floatData: [1] }],
  };
  return new Uint8Array(
    onnx.ModelProto.encode({ irVersion: 10, opsetImport, graph, functions } as Onnx.IModelProto).finish(),
  );
}

const INPUT = [-3, -0.5, 0.25, 2];

async function run(bytes: Uint8Array): Promise<number[]> {
  const session = await openSession(bytes, { quiet: true });
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.from(INPUT), [4]) });
  await session.release();
  return [...(y!.data as Float32Array)];
}

/** Multiplies by its attribute `gain`. */
const SCALE = [
  node('Constant', [], ['k'], { attribute: [given('value_float', 'gain')] }),
  node('Mul', ['a', 'k'], ['b']),
];
const OVERLOADS = ['Neg', 'Abs'].map((op) =>
  define('Act', ['a'], ['b'], [node(op, ['a'], ['b'])], { overload: op.toLowerCase() }),
);

describe('functions of a model are put in where they are called, as onnxruntime does', () => {
  const bodies = (then: string, otherwise: string): Onnx.IAttributeProto[] =>
    [then, otherwise].map((op, index) => ({
      name: index === 0 ? 'then_branch' : 'else_branch',
      type: Type.GRAPH,
      g: { name: op, node: [node(op, ['inner'], ['o'])], output: [{ name: 'o', type: value('o').type! }] },
    }));
  const CASES: [string, Uint8Array, number[]][] = [
    [
      'an attribute of the call',
      encode(
        [call('Scale', ['x'], ['y'], { attribute: [float('gain', 3)] })],
        [define('Scale', ['a'], ['b'], SCALE, { attribute: ['gain'] })],
      ),
      INPUT.map((v) => 3 * v),
    ],
    [
      'an attribute by default',
      encode(
        [call('Scale', ['x'], ['t']), call('Scale', ['t'], ['y'], { attribute: [float('gain', 3)] })],
        [define('Scale', ['a'], ['b'], SCALE, { attributeProto: [float('gain', 0.5)] })],
      ),
      INPUT.map((v) => 1.5 * v),
    ],
    [
      'an attribute that neither has: what the operator takes',
      encode(
        [call('Leaky', ['x'], ['y'])],
        [
          define(
            'Leaky',
            ['a'],
            ['b'],
            [node('LeakyRelu', ['a'], ['b'], { attribute: [given('alpha', 'slope')] })],
            {
              attribute: ['slope'],
            },
          ),
        ],
      ),
      INPUT.map((v) => (v < 0 ? Math.fround(0.01) * v : v)),
    ],
    [
      'one overload',
      encode([call('Act', ['x'], ['y'], { overload: 'abs' })], OVERLOADS),
      INPUT.map(Math.abs),
    ],
    ['another', encode([call('Act', ['x'], ['y'], { overload: 'neg' })], OVERLOADS), INPUT.map((v) => -v)],
    [
      'inputs left out',
      encode(
        [
          call('Limit', ['x', '', 'one'], ['t']),
          call('Limit', ['t', 'zero'], ['y']),
          node('Sub', ['one', 'one'], ['zero']),
        ],
        [define('Limit', ['a', 'low', 'high'], ['b'], [node('Clip', ['a', 'low', 'high'], ['b'])])],
      ),
      INPUT.map((v) => Math.min(1, Math.max(0, v))),
    ],
    [
      'values of the names that the graph has',
      encode(
        [call('Twice', ['x'], ['t']), call('Twice', ['t'], ['y'])],
        [define('Twice', ['y'], ['x'], [node('Add', ['y', 'y'], ['t']), node('Identity', ['t'], ['x'])])],
      ),
      INPUT.map((v) => 4 * v),
    ],
    [
      'functions that call functions, with attributes handed on',
      encode(
        [call('Outer', ['x'], ['y'])],
        [
          define(
            'Outer',
            ['a'],
            ['b'],
            [call('Scale', ['a'], ['b'], { attribute: [given('gain', 'times')] })],
            {
              attributeProto: [float('times', 4)],
            },
          ),
          define('Scale', ['a'], ['b'], SCALE, { attributeProto: [float('gain', 0.5)] }),
        ],
      ),
      INPUT.map((v) => 4 * v),
    ],
    [
      'bodies of control flow that read what the function computes',
      encode(
        [call('Branch', ['x'], ['y'])],
        [
          define(
            'Branch',
            ['a'],
            ['b'],
            [
              node('Abs', ['a'], ['inner']),
              node('Constant', [], ['yes'], {
                attribute: [{ name: 'value', type: Type.TENSOR, t: { dataType: BOOL, int32Data: [1] } }],
              }),
              node('If', ['yes'], ['b'], { attribute: bodies('Neg', 'Identity') }),
            ],
          ),
        ],
      ),
      INPUT.map((v) => -Math.abs(v)),
    ],
    [
      'but not in place of an operator of the standard',
      encode(
        [node('Relu', ['x'], ['y'])],
        [define('Relu', ['a'], ['b'], [node('Neg', ['a'], ['b'])], { domain: '' })],
      ),
      INPUT.map((v) => Math.max(0, v)),
    ],
  ];
  for (const [what, bytes, expected] of CASES) {
    it(what, async () => {
      assert.deepEqual(await run(bytes), expected, 'onnxruntime on the file');
      const { graph } = decodeModel(bytes, 'm.onnx');
      assert.ok(graph.nodes.every(({ domain }) => domain === ''));
      const again = encodeModel(graph, {}, { opset: 18 });
      assert.deepEqual(await run(again), expected, 'onnxruntime on what we read');
    });
  }

  const refuses = (functions: Onnx.IFunctionProto[], message: RegExp) =>
    assert.throws(
      () => decodeModel(encode([call('F0', ['x'], ['y'])], functions), 'm.onnx'),
      (error: Error) => error instanceof UserError && message.test(error.message),
    );

  it('functions that call each other in a circle are refused', () => {
    refuses(
      ['F0', 'F1'].map((name, i) => define(name, ['a'], ['b'], [call(`F${1 - i}`, ['a'], ['b'])])),
      /^m\.onnx: its function "F0" calls itself$/,
    );
  });

  it('and those that unfold without end', () => {
    const doubling = Array.from({ length: 40 }, (_, i) =>
      define(`F${i}`, ['a'], ['b'], [call(`F${i + 1}`, ['a'], ['t']), call(`F${i + 1}`, ['t'], ['b'])]),
    );
    refuses(doubling, /^m\.onnx: its functions unfold to more than 200000 nodes$/);
  });
});

describe('nodes are sorted', () => {
  it('as onnxruntime does, and stay where they are in order', async () => {
    const bytes = encode([
      node('Add', ['c', 'x'], ['y']),
      node('Neg', ['b'], ['c']),
      node('Abs', ['x'], ['b']),
      node('Exp', ['x'], ['unused']),
    ]);
    const expected = INPUT.map((v) => v - Math.abs(v));
    assert.deepEqual(await run(bytes), expected);
    const { graph } = decodeModel(bytes);
    assert.deepEqual(
      graph.nodes.map(({ op }) => op),
      ['Abs', 'Neg', 'Add', 'Exp'],
    );
    assert.deepEqual(await run(encodeModel(graph)), expected);
  });

  it('where a body reads what is computed later in the file', async () => {
    const branch = (name: string, op: string): Onnx.IAttributeProto => ({
      name,
      type: Type.GRAPH,
      g: {
        ...{ name, output: [{ name: `${name} o`, type: value('').type! }] },
        node: [node(op, ['later'], ['p']), node('Neg', ['p'], [`${name} o`])],
      },
    });
    const bytes = encode([
      node('If', ['yes'], ['y'], { attribute: [branch('then_branch', 'Abs'), branch('else_branch', 'Exp')] }),
      node('Mul', ['x', 'x'], ['later']),
      node('Constant', [], ['yes'], {
        attribute: [{ name: 'value', type: Type.TENSOR, t: { dataType: BOOL, int32Data: [1] } }],
      }),
    ]);
    const expected = INPUT.map((v) => -(v * v));
    assert.deepEqual(await run(bytes), expected);
    const { graph } = decodeModel(bytes);
    assert.deepEqual(
      graph.nodes.map(({ op }) => op),
      ['Constant', 'Mul', 'If'],
    );
    assert.deepEqual(await run(encodeModel(graph)), expected);
  });

  it('in time that grows with their number: a node of 50,000 inputs', () => {
    const names = Array.from({ length: 50_000 }, (_, i) => `v${i}`);
    const bytes = encode([node('Sum', names, ['y']), ...names.map((name) => node('Neg', ['x'], [name]))]);
    const { graph } = decodeModel(bytes);
    assert.equal(graph.nodes.at(-1)!.op, 'Sum');
  });
});
