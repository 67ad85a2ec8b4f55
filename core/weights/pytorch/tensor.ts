import { UserError } from '../../errors.ts';
import { sizeOf } from '../../onnx/graph.ts';
import { type FloatFormat, toFloat32 } from '../float-formats.ts';

/** A storage: a run of elements that tensors are views of. */
export class StorageReference {
  constructor(
    /** What names it in the file. */
    readonly key: string,
    /** `other` stands for integers and whatever else is no weight. */
    readonly format: FloatFormat | 'other',
    readonly elementBytes: number,
    /** Elements. */
    readonly length: number,
  ) {}

  get bytes(): number {
    return this.length * this.elementBytes;
  }
}

/** A tensor as PyTorch pickles it: a strided view of a storage. Offset and strides count elements. */
export class TensorReference {
  constructor(
    readonly storage: StorageReference,
    readonly offset: number,
    readonly dims: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** A tensor that is none of plain numbers in a storage. */
export class OtherTensor {
  constructor(
    /** What it is, e.g. `a sparse tensor`. */
    readonly what: string,
  ) {}
}

/**
 * Copies a tensor out of its storage, row-major, as float32.
 * @param bytes the storage's content
 * @param where what to call the tensor in an error
 * @throws UserError if the tensor reaches beyond its storage, or its storage beyond its bytes
 */
export function readTensor(tensor: TensorReference, bytes: Uint8Array, where: string): Float32Array {
  const { storage, offset, dims, strides } = tensor;
  if (storage.format === 'other') throw new UserError(`${where} is not of floating-point numbers`);
  const { elementBytes } = storage;
  if (storage.bytes > bytes.length) {
    throw new UserError(`${where} is cut off: its storage has ${bytes.length} bytes`);
  }
  const count = sizeOf(dims);
  if (count === 0) return new Float32Array(0);
  const last = dims.reduce((at, dim, axis) => at + (dim - 1) * strides[axis]!, offset);
  if (!(last < storage.length)) throw new UserError(`${where} reaches beyond its storage`);
  const packed = isContiguous(dims, strides)
    ? bytes.subarray(offset * elementBytes, (offset + count) * elementBytes)
    : gather(tensor, bytes, elementBytes, count);
  return toFloat32(packed, storage.format);
}

function isContiguous(dims: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    // The stride of an axis of one element says nothing.
    if (dims[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= dims[axis]!;
  }
  return true;
}

/** Copies the elements in row-major order. */
function gather(tensor: TensorReference, bytes: Uint8Array, elementBytes: number, count: number): Uint8Array {
  const { offset, dims, strides } = tensor;
  const out = new Uint8Array(count * elementBytes);
  const index = dims.map(() => 0);
  let from = offset;
  for (let i = 0; i < count; i++) {
    for (let b = 0; b < elementBytes; b++) out[i * elementBytes + b] = bytes[from * elementBytes + b]!;
    // Count up the index like an odometer, last axis first.
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < dims[axis]!) break;
      from -= dims[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
