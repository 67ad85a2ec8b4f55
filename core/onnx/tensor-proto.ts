import type { onnx as Onnx } from 'onnx-proto';
import { UserError } from '../errors.ts';
import { type DataType, sizeOf, type TensorData, type TensorValue } from './graph.ts';

/** `TensorProto.DataLocation`; as a number, for onnx-proto takes its time to load and commands say their help without. */
const EXTERNAL = 1;

interface TypeInfo {
  /** The number of `TensorProto.DataType`. */
  code: number;
  /** Of an element. */
  bits: number;
  view: (buffer: ArrayBuffer) => TensorData;
  /** The list that holds the values of a tensor without raw data; default `int32Data`. */
  field?: 'floatData' | 'doubleData' | 'int64Data' | 'uint64Data';
  /** Numbers of that list an element; default 1. */
  numbers?: number;
}

const bytesOf = (b: ArrayBuffer): Uint8Array => new Uint8Array(b);

/** Numbers as in the specification; those from 17 on are newer than onnx-proto (https://onnx.ai/onnx/repo-docs/IR.html). */
const TYPES: Record<DataType, TypeInfo> = {
  float32: { code: 1, bits: 32, view: (b) => new Float32Array(b), field: 'floatData' },
  float16: { code: 10, bits: 16, view: (b) => new Uint16Array(b) },
  float64: { code: 11, bits: 64, view: (b) => new Float64Array(b), field: 'doubleData' },
  int64: { code: 7, bits: 64, view: (b) => new BigInt64Array(b), field: 'int64Data' },
  int32: { code: 6, bits: 32, view: (b) => new Int32Array(b) },
  int8: { code: 3, bits: 8, view: (b) => new Int8Array(b) },
  uint8: { code: 2, bits: 8, view: bytesOf },
  bool: { code: 9, bits: 8, view: bytesOf },
  bfloat16: { code: 16, bits: 16, view: (b) => new Uint16Array(b) },
  int16: { code: 5, bits: 16, view: (b) => new Int16Array(b) },
  uint16: { code: 4, bits: 16, view: (b) => new Uint16Array(b) },
  uint32: { code: 12, bits: 32, view: (b) => new Uint32Array(b), field: 'uint64Data' },
  uint64: { code: 13, bits: 64, view: (b) => new BigUint64Array(b), field: 'uint64Data' },
  string: { code: 8, bits: 0, view: bytesOf },
  complex64: {
    ...{ code: 14, bits: 64, view: (b) => new Float32Array(b), field: 'floatData' },
    numbers: 2,
  },
  complex128: {
    ...{ code: 15, bits: 128, view: (b) => new Float64Array(b), field: 'doubleData' },
    numbers: 2,
  },
  float8e4m3fn: { code: 17, bits: 8, view: bytesOf },
  float8e4m3fnuz: { code: 18, bits: 8, view: bytesOf },
  float8e5m2: { code: 19, bits: 8, view: bytesOf },
  float8e5m2fnuz: { code: 20, bits: 8, view: bytesOf },
  uint4: { code: 21, bits: 4, view: bytesOf },
  int4: { code: 22, bits: 4, view: bytesOf },
  float4e2m1: { code: 23, bits: 4, view: bytesOf },
  float8e8m0: { code: 24, bits: 8, view: bytesOf },
  uint2: { code: 25, bits: 2, view: bytesOf },
  int2: { code: 26, bits: 2, view: bytesOf },
  float6e2m3: { code: 27, bits: 6, view: bytesOf },
  float6e3m2: { code: 28, bits: 6, view: bytesOf },
};

const BY_CODE = new Map(Object.entries(TYPES).map(([name, { code }]) => [code, name as DataType]));

/** The `TensorProto.DataType` number of an element type. */
export function dataTypeCode(dtype: DataType): Onnx.TensorProto.DataType {
  return TYPES[dtype].code;
}

/** The bytes that elements of a type take; those of less than eight bits are packed. */
export function byteLengthOf(dtype: DataType, elements: number): number {
  return Math.ceil((elements * TYPES[dtype].bits) / 8);
}

/** The element type of a `TensorProto.DataType` number; undefined for none, and for those of later versions. */
export function dataTypeOf(code: number | null | undefined): DataType | undefined {
  return BY_CODE.get(code ?? 0);
}

/** Encodes a tensor; the raw data is the tensor's own memory (ONNX is little-endian, as are our hosts). */
export function encodeTensor(name: string, tensor: TensorValue): Onnx.ITensorProto {
  const { data, texts } = tensor;
  if (texts) return { name, dims: tensor.dims, dataType: dataTypeCode(tensor.dtype), stringData: texts };
  return {
    name,
    dims: tensor.dims,
    dataType: dataTypeCode(tensor.dtype),
    rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

/** Encodes a tensor whose bytes are in another file, at `place` of the file `location` (relative). */
export function encodeExternalTensor(
  name: string,
  tensor: TensorValue,
  location: string,
  place: { offset: number; length: number },
): Onnx.ITensorProto {
  const entries = { location, offset: String(place.offset), length: String(place.length) };
  return {
    name,
    dims: tensor.dims,
    dataType: dataTypeCode(tensor.dtype),
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    dataLocation: EXTERNAL,
  };
}

/**
 * Decodes a tensor, from raw data or from the typed fields.
 * @throws UserError if its type is not one of ours, it is stored outside the file, or its size is wrong
 */
export function decodeTensor(proto: Onnx.ITensorProto, source: string): TensorValue {
  const where = `${source}: tensor "${proto.name ?? ''}"`;
  const dtype = dataTypeOf(proto.dataType);
  if (dtype === undefined) throw new UserError(`${where} has the unsupported data type ${proto.dataType}`);
  if (proto.dataLocation === EXTERNAL) {
    throw new UserError(
      `${where} is stored in an external file, which is not read here; give the model in one file`,
    );
  }
  const dims = (proto.dims ?? []).map(Number);
  if (dims.some((dim) => !Number.isSafeInteger(dim) || dim < 0))
    throw new UserError(`${where} has a negative size`);
  const { bits, view, field = 'int32Data', numbers = 1 } = TYPES[dtype];
  const count = sizeOf(dims);
  if (dtype === 'string') {
    const texts = proto.stringData ?? [];
    if (texts.length !== count) {
      throw new UserError(`${where} holds ${texts.length} values, its shape [${dims}] needs ${count}`);
    }
    return { dtype, dims, data: new Uint8Array(0), texts: texts.map((text) => new Uint8Array(text)) };
  }
  const needed = byteLengthOf(dtype, count);
  const raw = proto.rawData;
  if (raw && raw.length > 0) {
    if (raw.length !== needed) {
      throw new UserError(`${where} holds ${raw.length} bytes, its shape [${dims}] needs ${needed}`);
    }
    // A copy: the raw bytes rarely sit at an offset that a typed array may start from. (slice() would be none
    // on a Node Buffer.)
    return { dtype, dims, data: view(new Uint8Array(raw).buffer) };
  }
  const typed: ArrayLike<unknown> = proto[field] ?? [];
  // Of two and four bits, a number of the list is a whole byte of them; of six, one.
  const expected = bits === 2 || bits === 4 ? needed : count * numbers;
  if (typed.length !== expected) {
    throw new UserError(`${where} holds ${typed.length} values, its shape [${dims}] needs ${expected}`);
  }
  const data = view(new ArrayBuffer(needed));
  for (let i = 0; i < expected; i++) {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(String(typed[i]));
    else if (bits === 6) putBits(data as Uint8Array, 6 * i, Number(typed[i]));
    else data[i] = Number(typed[i]);
  }
  return { dtype, dims, data };
}

/** Puts six bits behind those before, the lowest first. */
function putBits(bytes: Uint8Array, at: number, value: number): void {
  const shifted = (value & 0x3f) << (at % 8);
  const index = Math.floor(at / 8);
  bytes[index]! |= shifted;
  if (shifted > 0xff) bytes[index + 1]! |= shifted >> 8;
}
