import onnxProto, { type onnx as Onnx } from 'onnx-proto';
import { UserError } from '../errors.ts';
import { type DataType, sizeOf, type TensorData, type TensorValue } from './graph.ts';

const { onnx } = onnxProto;
const Type = onnx.TensorProto.DataType;

interface TypeInfo {
  code: Onnx.TensorProto.DataType;
  bytes: number;
  view: (buffer: ArrayBuffer) => TensorData;
}

const TYPES: Record<DataType, TypeInfo> = {
  float32: { code: Type.FLOAT, bytes: 4, view: (b) => new Float32Array(b) },
  float16: { code: Type.FLOAT16, bytes: 2, view: (b) => new Uint16Array(b) },
  float64: { code: Type.DOUBLE, bytes: 8, view: (b) => new Float64Array(b) },
  int64: { code: Type.INT64, bytes: 8, view: (b) => new BigInt64Array(b) },
  int32: { code: Type.INT32, bytes: 4, view: (b) => new Int32Array(b) },
  int8: { code: Type.INT8, bytes: 1, view: (b) => new Int8Array(b) },
  uint8: { code: Type.UINT8, bytes: 1, view: (b) => new Uint8Array(b) },
  bool: { code: Type.BOOL, bytes: 1, view: (b) => new Uint8Array(b) },
  bfloat16: { code: Type.BFLOAT16, bytes: 2, view: (b) => new Uint16Array(b) },
  int16: { code: Type.INT16, bytes: 2, view: (b) => new Int16Array(b) },
  uint16: { code: Type.UINT16, bytes: 2, view: (b) => new Uint16Array(b) },
  uint32: { code: Type.UINT32, bytes: 4, view: (b) => new Uint32Array(b) },
  uint64: { code: Type.UINT64, bytes: 8, view: (b) => new BigUint64Array(b) },
};

const BY_CODE = new Map(Object.entries(TYPES).map(([name, info]) => [info.code as number, name as DataType]));

/** The `TensorProto.DataType` number of an element type. */
export function dataTypeCode(dtype: DataType): Onnx.TensorProto.DataType {
  return TYPES[dtype].code;
}

/** The bytes of one element. */
export function bytesPerElement(dtype: DataType): number {
  return TYPES[dtype].bytes;
}

/** The element type of a `TensorProto.DataType` number; undefined for types we do not use. */
export function dataTypeOf(code: number | null | undefined): DataType | undefined {
  return BY_CODE.get(code ?? 0);
}

/** Encodes a tensor; the raw data is the tensor's own memory (ONNX is little-endian, as are our hosts). */
export function encodeTensor(name: string, tensor: TensorValue): Onnx.ITensorProto {
  const { data } = tensor;
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
    dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
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
  if (proto.dataLocation === onnx.TensorProto.DataLocation.EXTERNAL) {
    throw new UserError(
      `${where} is stored in an external file, which is not read here; give the model in one file`,
    );
  }
  const dims = (proto.dims ?? []).map(Number);
  if (dims.some((dim) => !Number.isSafeInteger(dim) || dim < 0))
    throw new UserError(`${where} has a negative size`);
  const info = TYPES[dtype];
  const count = sizeOf(dims);
  const raw = proto.rawData;
  if (raw && raw.length > 0) {
    if (raw.length !== count * info.bytes) {
      throw new UserError(
        `${where} holds ${raw.length} bytes, its shape [${dims}] needs ${count * info.bytes}`,
      );
    }
    // A copy: the raw bytes rarely sit at an offset that a typed array may start from. (slice() would be none
    // on a Node Buffer.)
    return { dtype, dims, data: info.view(new Uint8Array(raw).buffer) };
  }
  const typed = typedField(proto, dtype);
  if (typed.length !== count) {
    throw new UserError(`${where} holds ${typed.length} values, its shape [${dims}] needs ${count}`);
  }
  const data = info.view(new ArrayBuffer(count * info.bytes));
  for (let i = 0; i < count; i++) {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(String(typed[i]));
    else data[i] = Number(typed[i]);
  }
  return { dtype, dims, data };
}

/** The list that holds the values of a type, for a tensor without raw data. */
function typedField(proto: Onnx.ITensorProto, dtype: DataType): ArrayLike<unknown> {
  switch (dtype) {
    case 'float32':
      return proto.floatData ?? [];
    case 'float64':
      return proto.doubleData ?? [];
    case 'int64':
      return proto.int64Data ?? [];
    case 'uint32':
    case 'uint64':
      return proto.uint64Data ?? [];
    default:
      return proto.int32Data ?? [];
  }
}
