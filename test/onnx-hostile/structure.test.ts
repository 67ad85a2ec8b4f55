import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import onnxProto, { type onnx as Onnx } from 'onnx-proto';
import { UserError } from '../../core/errors.ts';
import { decodeModel } from '../../core/onnx/model-file.ts';

const { onnx } = onnxProto;
const FLOAT = onnx.TensorProto.DataType.FLOAT;
const GRAPH = onnx.AttributeProto.AttributeType.GRAPH;

const value = (name: string): Onnx.IValueInfoProto => ({ name, type: { tensorType: { elemType: FLOAT } } });
const node = (input: string[], output: string[], more: Onnx.INodeProto = {}): Onnx.INodeProto => ({
  opType: 'Relu',
  name: `make ${output.join()}`,
  input,
  output,
  ...more,
});
const tensor = (name: string, more: Onnx.ITensorProto = {}): Onnx.ITensorProto => ({
  name,
  dataType: FLOAT,
  dims: [1],
  floatData: [1],
  ...more,
});

function encode(graph: Onnx.IGraphProto): Uint8Array {
  const whole = {
    name: 'g',
    input: [value('x')],
    output: [value('y')],
    node: [node(['x'], ['y'])],
    ...graph,
  };
  return onnx.ModelProto.encode(onnx.ModelProto.fromObject({ irVersion: 8, graph: whole })).finish();
}

function refuses(bytes: Uint8Array, message: RegExp): void {
  assert.throws(
    () => decodeModel(bytes, 'm.onnx'),
    (error: Error) => {
      assert.ok(error instanceof UserError, error.stack);
      assert.match(error.message, message);
      return true;
    },
  );
}

/** A field of protocol buffers that holds `content`, repeated. */
function field(number: number, content: Uint8Array, times = 1): Uint8Array {
  const length: number[] = [];
  for (let rest = content.length; ; rest = Math.floor(rest / 128)) {
    length.push(rest < 128 ? rest : (rest % 128) + 128);
    if (rest < 128) break;
  }
  const one = Uint8Array.of((number << 3) | 2, ...length, ...(content.length < 1000 ? content : []));
  if (content.length >= 1000) return Buffer.concat([one, content]);
  return new Uint8Array(Buffer.alloc(one.length * times, one));
}

describe('a graph that cannot be run is refused', () => {
  const body = (graph: Onnx.IGraphProto): Onnx.INodeProto =>
    node(['x'], ['y'], { opType: 'If', attribute: [{ name: 'then_branch', type: GRAPH, g: graph }] });

  const cases: [string, Onnx.IGraphProto, RegExp][] = [
    ['a missing initializer', { node: [node(['x', 'w'], ['y'])] }, /reads "w", which is no input, init/],
    [
      'a cycle',
      { node: [node(['b'], ['a']), node(['a'], ['b']), node(['b'], ['y'])] },
      /wait for each other in a cycle, "make a" \(Relu\) before "make b" \(Relu\), so/,
    ],
    ['a node that reads itself', { node: [node(['y'], ['y'])] }, /in a cycle, "make y" \(Relu\), so/],
    [
      'a cycle through a body',
      { node: [body({ node: [node(['late'], ['o'])], output: [value('o')] }), node(['y'], ['late'])] },
      /in a cycle, "make y" \(If\) before "make late" \(Relu\)/,
    ],
    [
      'a cycle within a body',
      { node: [body({ node: [node(['b'], ['a']), node(['a'], ['b'])], output: [value('a')] })] },
      /in a cycle, "make a"/,
    ],
    ['a value defined twice', { node: [node(['x'], ['y']), node(['x'], ['y'])] }, /"y" is defined twice/],
    [
      'an output that is an input',
      { node: [node(['x'], ['x']), node(['x'], ['y'])] },
      /"x" is defined twice/,
    ],
    [
      'initializers of one name',
      { initializer: [tensor('w'), tensor('w')] },
      /the initializer "w" is there twice/,
    ],
    ['an initializer without a name', { initializer: [tensor('')] }, /an initializer has no name/],
    ['inputs of one name', { input: [value('x'), value('x')] }, /"x" is defined twice/],
    ['an output nothing computes', { output: [value('z')] }, /nothing computes the graph output "z"/],
    ['no outputs', { output: [] }, /no outputs/],
    ['an output twice', { output: [value('y'), value('y')] }, /"y" is there twice/],
    ['a node without an operator', { node: [node(['x'], ['y'], { opType: '' })] }, /has no operator/],
    ['sparse initializers', { sparseInitializer: [{ values: tensor('w'), indices: tensor('i') }] }, /sparse/],
    [
      'a body that reads what is not there',
      { node: [body({ node: [node(['n'], ['o'])], output: [value('o')] })] },
      /"n", which is no/,
    ],
    [
      'a tensor that claims more than it has',
      { initializer: [tensor('w', { dims: [2 ** 31, 2 ** 31] })] },
      /holds 1 values/,
    ],
  ];
  for (const [what, graph, message] of cases) it(what, () => refuses(encode(graph), message));

  it('but a body may read the values around it, and operators may be unknown', () => {
    const inner = body({ node: [node(['x', 'w'], ['o'], { opType: 'NeverSeen' })], output: [value('o')] });
    const { graph } = decodeModel(encode({ node: [inner], initializer: [tensor('w')] }));
    const branch = graph.nodes[0]!.attributes.then_branch;
    assert.equal(branch?.type === 'graph' && branch.value.nodes[0]!.op, 'NeverSeen');
  });

  it('and names cannot reach the prototypes of objects', () => {
    const attribute = { name: '__proto__', type: onnx.AttributeProto.AttributeType.INT, i: 1 };
    const { graph } = decodeModel(encode({ node: [node(['x'], ['y'], { attribute: [attribute] })] }));
    assert.equal(Object.getPrototypeOf(graph.nodes[0]!.attributes), Object.prototype);
  });
});

describe('a file that would fill the memory or the stack is refused before it is decoded', () => {
  const EMPTY = new Uint8Array(0);
  it('millions of empty nodes', () => {
    refuses(field(7, field(1, EMPTY, 4e6)), /too many parts/);
  });

  it('a tensor of millions of dimensions', () => {
    const dims = field(1, new Uint8Array(8e6).fill(1));
    refuses(field(7, field(5, dims)), /too many parts/);
  });

  it('millions of texts', () => {
    refuses(field(14, field(1, EMPTY, 4e6)), /too many parts/);
  });

  it('graphs within graphs', () => {
    let graph: Uint8Array = field(1, field(4, Buffer.from('If')));
    for (let depth = 0; depth < 2000; depth++) graph = field(1, field(5, field(6, graph)));
    refuses(field(7, graph), /nests more than 100 levels/);
  });

  it('groups within groups, which ONNX has none of', () => {
    refuses(new Uint8Array(1e6).fill((30 << 3) | 3), /not an ONNX model/);
  });

  it('two graphs, of which programs take one, the other or both', () => {
    const { graph } = onnx.ModelProto.decode(encode({}));
    const one = field(7, onnx.GraphProto.encode(graph!).finish());
    refuses(Buffer.concat([one, one]), /two of a part/);
  });

  it('while fields of versions to come are skipped', () => {
    // Field 100 of three bytes, and field 101, a number.
    const later = Uint8Array.of(0xa2, 0x06, 3, 1, 2, 3, 0xa8, 0x06, 5);
    const extended = Buffer.concat([encode({}), later]);
    assert.equal(decodeModel(extended).graph.name, 'g');
  });
});
