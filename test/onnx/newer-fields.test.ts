import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { GraphBuilder } from '../../core/onnx/builder.ts';
import { floats, floatTensor, ints } from '../../core/onnx/graph.ts';
import { decodeModel, encodeModel } from '../../core/onnx/model-file.ts';
import { parseModel, serializeModel } from '../../core/onnx/parse-model.ts';

interface FieldOfSchema {
  number: number;
  name: string;
  kind: 'double' | 'float' | 'int' | 'string' | 'bytes' | 'message';
  list: boolean;
  message?: string;
}

/** Today's onnx-ml.proto, by make-schema.py there. */
const SCHEMA = JSON.parse(
  readFileSync(new URL('../fixtures/onnx-proto/schema.json', import.meta.url), 'utf8'),
) as { onnx: string; messages: Record<string, FieldOfSchema[]> };

/** A message as its fields by number, each with all its values: what a decoder of any language would see. */
type Tree = Map<number, (string | Tree)[]>;

/** Fields 1000 to 1003 are of no version of ONNX; one of each wire type. */
const LATER: FieldOfSchema[] = [
  { number: 1000, name: 'a varint', kind: 'int', list: false },
  { number: 1001, name: 'eight bytes', kind: 'double', list: false },
  { number: 1002, name: 'a text', kind: 'bytes', list: false },
  { number: 1003, name: 'four bytes', kind: 'float', list: false },
];

const fieldsOf = (message: string) => [...SCHEMA.messages[message]!, ...LATER];

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(64, value); ; rest >>= 7n) {
    bytes.push(Number(rest & 0x7fn) + (rest > 0x7fn ? 0x80 : 0));
    if (rest <= 0x7fn) return Buffer.from(bytes);
  }
}

const WIRE_TYPES = { int: 0, double: 1, string: 2, bytes: 2, message: 2, float: 5 } as const;

function encodeField({ number, kind }: FieldOfSchema, content: Uint8Array): Buffer {
  const tag = varint(BigInt(number * 8 + WIRE_TYPES[kind]));
  return WIRE_TYPES[kind] === 2
    ? Buffer.concat([tag, varint(BigInt(content.length)), content])
    : Buffer.concat([tag, content]);
}

/** A value that differs from field to field; some integers are negative or beyond what a number holds. */
function scalar({ kind, number }: FieldOfSchema, index: number): Buffer {
  const value = number * 10 + index;
  if (kind === 'string' || kind === 'bytes') return Buffer.from(`text ${value} é`);
  // Of 32 bits where the schema says so, which the first in a list is.
  if (kind === 'int') return varint(index === 1 ? -BigInt(value) : BigInt(value));
  const bytes = Buffer.alloc(kind === 'float' ? 4 : 8);
  if (kind === 'float') bytes.writeFloatLE(value + 0.5);
  else bytes.writeDoubleLE(value + 0.25);
  return bytes;
}

const field = (message: string, name: string) =>
  SCHEMA.messages[message]!.find((each) => each.name === name)!;
/** Without a node a graph is none. */
const NODE = encodeField(field('GraphProto', 'node'), Buffer.alloc(0));
const GRAPH = encodeField(field('ModelProto', 'graph'), NODE);

/** A message with every field set, lists with two values; messages within have their scalars only. */
function full(message: string, deep = true): Buffer {
  const fields = fieldsOf(message).flatMap((field) => {
    const count = field.list ? 2 : 1;
    return Array.from({ length: field.message && !deep ? 0 : count }, (_, index) =>
      encodeField(field, field.message ? full(field.message, false) : scalar(field, index)),
    );
  });
  return Buffer.concat(message === 'GraphProto' && !deep ? [...fields, NODE] : fields);
}

/** How to come from a model to each kind of message. */
function paths(): Map<string, FieldOfSchema[]> {
  const found = new Map<string, FieldOfSchema[]>([['ModelProto', []]]);
  for (const [message, path] of found) {
    for (const field of SCHEMA.messages[message]!) {
      if (field.message && !found.has(field.message)) found.set(field.message, [...path, field]);
    }
  }
  return found;
}

function modelWith(message: string, path: readonly FieldOfSchema[]): Buffer {
  let content = full(message);
  for (const step of [...path].reverse()) {
    if (step.message === 'GraphProto') content = Buffer.concat([content, NODE]);
    content = encodeField(step, content);
  }
  return message === 'ModelProto' || path[0]?.name === 'graph' ? content : Buffer.concat([content, GRAPH]);
}

function parse(bytes: Uint8Array, message: string): Tree {
  const tree: Tree = new Map();
  const schema = new Map(fieldsOf(message).map((each) => [each.number, each]));
  const buffer = Buffer.from(bytes);
  let at = 0;
  const next = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = buffer[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < buffer.length) {
    const tag = Number(next());
    const { kind, list, message: inner } = schema.get(tag >> 3)!;
    const values: (string | Tree)[] = [];
    const one = (): string => {
      if (kind === 'int') return String(next());
      at += kind === 'float' ? 4 : 8;
      return String(kind === 'float' ? buffer.readFloatLE(at - 4) : buffer.readDoubleLE(at - 8));
    };
    if ((tag & 7) !== 2) values.push(one());
    else {
      const end = Number(next()) + at;
      const content = buffer.subarray(at, end);
      if (inner) values.push(parse(content, inner));
      else if (kind === 'string' || kind === 'bytes') values.push(content.toString());
      else {
        // A list of numbers may be packed or not.
        assert.ok(list);
        while (at < end) values.push(one());
      }
      at = end;
    }
    tree.set(tag >> 3, [...(tree.get(tag >> 3) ?? []), ...values]);
  }
  return tree;
}

const sorted = (tree: Tree): Tree =>
  new Map(
    [...tree]
      .sort(([a], [b]) => a - b)
      .map(([number, values]) => [
        number,
        values.map((value) => (typeof value === 'string' ? value : sorted(value))),
      ]),
  );

describe(`every field of ONNX ${SCHEMA.onnx} goes through decode and encode`, () => {
  for (const [message, path] of paths()) {
    it(message, () => {
      const bytes = modelWith(message, path);
      const again = serializeModel(parseModel(bytes, 'model'));
      const [before, after] = [bytes, again].map((each) => sorted(parse(each, 'ModelProto')));
      assert.deepEqual(after, before);
      // The message itself is there, with each of its fields.
      let tree = after!;
      for (const step of path) tree = tree.get(step.number)![0] as Tree;
      for (const each of fieldsOf(message)) assert.ok(tree.get(each.number), each.name);
    });
  }

  it('of all its messages', () => {
    assert.deepEqual([...paths().keys()].sort(), Object.keys(SCHEMA.messages).sort());
  });
});

describe('lists of numbers', () => {
  it('are written one by one where the schema has them so, which readers made by hand want', () => {
    const b = new GraphBuilder('net');
    const weight = b.initializer('weight', floatTensor([4, 300, 1, 1], new Float32Array(1200)));
    const x = b.input('x', 'float32', [1, 300, 2, 2]);
    const attributes = { strides: ints([1, 2]), scales: floats([0.5, 2]) };
    b.node('Conv', [x, weight], attributes, { name: 'y' });
    b.output('y', 'float32', [1, 4, 2, 1]);
    const bytes = Buffer.from(encodeModel(b.graph));
    for (const [what, list] of [
      ['dims', [0x08, 4, 0x08, 0xac, 0x02, 0x08, 1, 0x08, 1]],
      ['ints', [0x40, 1, 0x40, 2]],
      ['floats', [0x3d, 0, 0, 0, 0x3f, 0x3d, 0, 0, 0, 0x40]],
    ] as const)
      assert.ok(bytes.includes(Buffer.from(list)), what);
    const { graph } = decodeModel(bytes);
    assert.deepEqual(graph.nodes[0]!.attributes, attributes);
    assert.deepEqual(graph.initializers.get('weight')!.dims, [4, 300, 1, 1]);
  });
});
