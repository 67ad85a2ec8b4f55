import onnxProto, { type onnx as Onnx } from 'onnx-proto';
import { type FieldKind, type MessageName, WIRE_SCHEMA } from './wire-schema.ts';

/*
 * onnx-proto is ONNX 1.10's schema, and what it does not know it drops: a function's overload, and a model
 * computes something else; metadata, the shapes within functions, how a model is spread over devices. Its
 * messages are extended here, so that their `decode` and `encode` carry what ONNX has added since, as
 * properties, and whatever it may add, as bytes. Nested messages go through the same root, so all of a model
 * does. Reflection, which could read onnx.proto itself, generates code, and the page's security policy forbids
 * that.
 *
 * It also packs lists of numbers that ONNX's schema does not pack. Readers made by protoc take both, those written by
 * hand (tinygrad, rten) often only what the schema says, and such a file does not open there. So they are written unpacked.
 */

const { onnx } = onnxProto;

declare module 'onnx-proto' {
  namespace onnx {
    interface IModelProto {
      configuration?: object[];
    }
    interface IGraphProto {
      metadataProps?: IStringStringEntryProto[];
    }
    interface INodeProto {
      /** Which of the functions of one name is called. */
      overload?: string;
      metadataProps?: IStringStringEntryProto[];
      deviceConfigurations?: { shardingSpec?: { tensorName?: string }[] }[];
    }
    interface ITensorProto {
      metadataProps?: IStringStringEntryProto[];
    }
    interface IValueInfoProto {
      metadataProps?: IStringStringEntryProto[];
    }
    interface ITypeProto {
      opaqueType?: { domain?: string; name?: string };
    }
    interface IFunctionProto {
      /** Attributes with the values they have where a call leaves them out. */
      attributeProto?: IAttributeProto[];
      valueInfo?: IValueInfoProto[];
      overload?: string;
      metadataProps?: IStringStringEntryProto[];
    }
  }
}

type Writer = ReturnType<typeof onnx.ModelProto.encode>;
type Reader = Exclude<Parameters<typeof onnx.ModelProto.decode>[0], Uint8Array>;

/** A class of onnx-proto. */
interface MessageClass {
  decode(from: Reader | Uint8Array, length?: number): object;
  encode(message: object, writer?: Writer): Writer;
}

const CLASSES: readonly (readonly [name: MessageName, ...classes: unknown[]])[] = [
  ['Model', onnx.ModelProto],
  ['Graph', onnx.GraphProto],
  ['Node', onnx.NodeProto],
  ['Attribute', onnx.AttributeProto],
  ['Tensor', onnx.TensorProto],
  ['Segment', onnx.TensorProto.Segment],
  ['Sparse', onnx.SparseTensorProto],
  ['Value', onnx.ValueInfoProto],
  ['Type', onnx.TypeProto],
  ['TensorType', onnx.TypeProto.Tensor, onnx.TypeProto.SparseTensor],
  ['ElementType', onnx.TypeProto.Sequence, onnx.TypeProto.Optional],
  ['MapType', onnx.TypeProto.Map],
  ['Shape', onnx.TensorShapeProto],
  ['Dimension', onnx.TensorShapeProto.Dimension],
  ['Annotation', onnx.TensorAnnotation],
  ['Entry', onnx.StringStringEntryProto],
  ['Opset', onnx.OperatorSetIdProto],
  ['Training', onnx.TrainingInfoProto],
  ['Function', onnx.FunctionProto],
];

/** Messages that newer fields hold and onnx-proto has. */
const KNOWN: ReadonlyMap<FieldKind, MessageClass> = new Map(
  CLASSES.map(([name, first]) => [name, first as MessageClass]),
);

type Lists = Readonly<Record<string, { number: number; wire: 'int64' | 'float' }>>;

/** Lists of numbers that https://github.com/onnx/onnx/blob/main/onnx/onnx.proto does not pack. */
const UNPACKED: Partial<Record<MessageName, Lists>> = {
  Attribute: { floats: { number: 7, wire: 'float' }, ints: { number: 8, wire: 'int64' } },
  Tensor: { dims: { number: 1, wire: 'int64' } },
  Sparse: { dims: { number: 3, wire: 'int64' } },
};

for (const [name, ...classes] of CLASSES) for (const each of classes) extend(name, each as MessageClass);

function extend(name: MessageName, type: MessageClass): void {
  const { decode, encode } = type;
  type.decode = (from, length) => {
    const plain = from instanceof Uint8Array;
    const bytes = plain ? from : from.buf;
    const start = plain ? 0 : from.pos;
    const end = length === undefined ? (plain ? from.length : from.len) : start + length;
    // First, for it throws where a field goes beyond the end.
    const message = decode(from, length);
    readNewer(message, name, new Scanner(bytes, start, end));
    return message;
  };
  const lists = UNPACKED[name];
  type.encode = (message, writer) => {
    const written = lists ? encodeUnpacked(encode, lists, message, writer) : encode(message, writer);
    writeNewer(message, name, written);
    return written;
  };
}

function encodeUnpacked(
  encode: MessageClass['encode'],
  lists: Lists,
  message: object,
  writer: Writer = encode({}),
): Writer {
  const others: Record<string, unknown> = { ...message };
  for (const [name, { number, wire }] of Object.entries(lists)) {
    for (const value of (others[name] ?? []) as number[]) {
      if (wire === 'float') writer.uint32(number * 8 + FIXED32).float(value);
      else writer.uint32(number * 8 + VARINT).int64(value);
    }
    delete others[name];
  }
  return encode(others, writer);
}

/** Fields of no version that we know, as the file has them. */
const LATER = Symbol('fields of later versions');

interface LaterField {
  tag: number;
  value: Uint8Array | bigint;
}

type Message = Record<string, unknown> & { [LATER]?: LaterField[] };

function readNewer(target: object, name: MessageName, scanner: Scanner): void {
  const message = target as Message;
  const schema = WIRE_SCHEMA.get(name)!;
  while (scanner.next()) {
    const field = schema.get(scanner.number);
    if (!field) {
      message[LATER] ??= [];
      message[LATER].push({ tag: scanner.tag, value: scanner.value() });
    } else if (field.newer) {
      const values = readValues(field.kind, scanner);
      const { name: key, list } = field.newer;
      if (!list) message[key] = values.at(-1);
      else if (Object.hasOwn(message, key)) (message[key] as unknown[]).push(...values);
      else message[key] = values;
    }
  }
}

/** The value of a field, or of a packed list its values. */
function readValues(kind: FieldKind, scanner: Scanner): unknown[] {
  const value = scanner.value();
  if (typeof value === 'bigint') return [value];
  if (kind === 'bytes') return [new TextDecoder('utf-8', { ignoreBOM: true }).decode(value)];
  if (kind === 'ints') return new Scanner(value, 0, value.length).varints();
  const type = KNOWN.get(kind);
  if (type) return [type.decode(value)];
  const message = {};
  readNewer(message, kind as MessageName, new Scanner(value, 0, value.length));
  return [message];
}

function writeNewer(source: object, name: MessageName, writer: Writer): void {
  const message = source as Message;
  for (const [number, { kind, newer }] of WIRE_SCHEMA.get(name)!) {
    if (!newer || !Object.hasOwn(message, newer.name)) continue;
    const value = message[newer.name];
    for (const item of newer.list ? (value as unknown[]) : [value]) writeValue(number, kind, item, writer);
  }
  for (const { tag, value } of message[LATER] ?? []) {
    writer.uint32(tag);
    if (typeof value !== 'bigint') writer.bytes(value);
    else if (tag % 8 === VARINT) writer.uint64(halves(value));
    else if (tag % 8 === FIXED64) writer.fixed64(halves(value));
    else writer.fixed32(Number(value));
  }
}

function writeValue(number: number, kind: FieldKind, value: unknown, writer: Writer): void {
  if (kind === 'int' || kind === 'ints') {
    writer.uint32(number * 8 + VARINT).uint64(halves(value as bigint));
    return;
  }
  writer.uint32(number * 8 + LENGTH);
  if (kind === 'bytes') writer.string(value as string);
  else {
    writer.fork();
    const type = KNOWN.get(kind);
    if (type) type.encode(value as object, writer);
    else writeNewer(value as object, kind as MessageName, writer);
    writer.ldelim();
  }
}

/** What protobufjs takes for an integer of 64 bits where a number has too few. */
function halves(value: bigint): Long {
  const bits = BigInt.asUintN(64, value);
  return { low: Number(bits & 0xffff_ffffn), high: Number(bits >> 32n), unsigned: true } as Long;
}

type Long = Exclude<Parameters<Writer['uint64']>[0], number | string>;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

/** Goes through the fields of an encoded message without decoding them. */
class Scanner {
  tag = 0;
  /** Where the value of the field is. */
  #from = 0;

  constructor(
    readonly bytes: Uint8Array,
    private at: number,
    private readonly end: number,
  ) {}

  get number(): number {
    return this.tag >>> 3;
  }

  /** Goes to the next field; false at the end. */
  next(): boolean {
    if (this.at >= this.end) return false;
    this.tag = this.#number();
    this.#from = this.at;
    const wireType = this.tag & 7;
    if (wireType === VARINT) while (this.bytes[this.at++]! >= 0x80);
    else if (wireType === LENGTH) {
      const length = this.#number();
      this.at += length;
    } else this.at += wireType === FIXED64 ? 8 : 4;
    return true;
  }

  /** A view of the field's bytes, or its bits as a number without a sign. */
  value(): Uint8Array | bigint {
    const wireType = this.tag & 7;
    const next = this.at;
    this.at = this.#from;
    try {
      if (wireType === VARINT) return this.#varint();
      if (wireType === LENGTH) return this.bytes.subarray(next - this.#number(), next);
      let bits = 0n;
      for (let at = next - 1; at >= this.#from; at--) bits = (bits << 8n) | BigInt(this.bytes[at]!);
      return bits;
    } finally {
      this.at = next;
    }
  }

  /** All that is left, as a packed list of integers. */
  varints(): bigint[] {
    const values: bigint[] = [];
    while (this.at < this.end) values.push(this.#varint());
    return values;
  }

  /** A tag or a length, which a number holds. */
  #number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * factor;
      if (!(byte >= 0x80)) return value;
    }
  }

  #varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.bytes[this.at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (!(byte >= 0x80)) return value;
    }
  }
}

export { type Onnx, onnx };
