import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { NodeJSKernelBackend } from '@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js';
import type { TensorMetadata, TFEOpAttr } from '@tensorflow/tfjs-node-gpu/dist/tfjs_binding.js';
import type { TensorFlow } from '../../../core/tensorflow/load-tfjs.ts';

/** What a tensor's elements are. tfjs itself has no name for bfloat16 and takes it for float32. */
export type ElementType = 'float32' | 'bfloat16' | 'int32' | 'bool';

/** TensorFlow's numbers for them, DataType of types.proto. */
const TYPES: Readonly<Record<ElementType, number>> = { float32: 1, int32: 3, bool: 10, bfloat16: 14 };
const TYPE_OF = new Map(Object.entries(TYPES).map(([type, number]) => [number, type as ElementType]));

/** A kernel's attribute; a plain number is a float, undefined leaves one out. */
export type KernelAttribute =
  | number
  | boolean
  | string
  | { type: ElementType }
  | { int: number }
  | { ints: readonly number[] }
  | undefined;

/** What tfjs-node keeps to itself: its tensors as TensorFlow's numbered ones, and the way back. */
interface BackendInternals {
  binding: NodeJSKernelBackend['binding'];
  isUsingGpuDevice: boolean;
  getInputTensorIds(tensors: Tensor[]): number[];
  createOutputTensor(metadata: TensorMetadata): Tensor;
  /** Notes on a tensor's memory, which clones of it share. */
  tensorMap: { get(dataId: object): { dtype: number } };
}

const INT32 = { type: 'int32' } as const;

/**
 * TensorFlow's own kernels on tensors of tfjs, those of bfloat16 among them. Their results belong to the tf.tidy
 * around; autodiff does not see them.
 * @see https://www.tensorflow.org/versions/r2.15/api_docs/python/tf/raw_ops
 */
export class Kernels {
  readonly #backend: BackendInternals;

  constructor(readonly tf: TensorFlow) {
    this.#backend = tf.backend() as unknown as BackendInternals;
  }

  /** Whether TensorFlow found a GPU that it can use. */
  get onGpu(): boolean {
    return this.#backend.isUsingGpuDevice;
  }

  /** Runs a kernel of several outputs. Its type attribute `T`, unless given, is that of the first input. */
  all(
    name: string,
    outputs: number,
    inputs: readonly Tensor[],
    attributes: Readonly<Record<string, KernelAttribute>> = {},
  ): Tensor[] {
    const { binding } = this.#backend;
    const encoded: TFEOpAttr[] = [];
    const named = { T: { type: this.typeOf(inputs[0]!) }, ...attributes };
    for (const [key, value] of Object.entries(named)) {
      if (value !== undefined) encoded.push(encode(binding, key, value));
    }
    const ids = this.#backend.getInputTensorIds([...inputs]);
    return binding.executeOp(name, encoded, ids, outputs).map((metadata) => this.#wrap(metadata));
  }

  /** Runs a kernel of one output. */
  run(
    name: string,
    inputs: readonly Tensor[],
    attributes?: Readonly<Record<string, KernelAttribute>>,
  ): Tensor {
    return this.all(name, 1, inputs, attributes)[0]!;
  }

  typeOf(tensor: Tensor): ElementType {
    return TYPE_OF.get(this.#backend.tensorMap.get(tensor.dataId).dtype)!;
  }

  /** The tensor in a type: itself if it has it. To bfloat16 it is rounded to the nearest. */
  cast(tensor: Tensor, to: ElementType): Tensor {
    const from = this.typeOf(tensor);
    if (from === to) return tensor;
    const attributes = { T: undefined, SrcT: { type: from }, DstT: { type: to }, Truncate: false };
    return this.run('Cast', [tensor], attributes);
  }

  /** Elementwise, with numpy's broadcasting; a number is that of every element. */
  add = (a: Tensor, b: Tensor | number): Tensor => this.#binary('AddV2', a, b);
  sub = (a: Tensor, b: Tensor | number): Tensor => this.#binary('Sub', a, b);
  mul = (a: Tensor, b: Tensor | number): Tensor => this.#binary('Mul', a, b);
  div = (a: Tensor, b: Tensor | number): Tensor => this.#binary('RealDiv', a, b);
  max = (a: Tensor, b: Tensor | number): Tensor => this.#binary('Maximum', a, b);
  min = (a: Tensor, b: Tensor | number): Tensor => this.#binary('Minimum', a, b);

  scalar(value: number): Tensor {
    return this.tf.scalar(value);
  }

  integers(values: number | readonly number[] | readonly number[][]): Tensor {
    return this.tf.tensor(values as number[], undefined, 'int32');
  }

  reshape(x: Tensor, shape: readonly number[]): Tensor {
    if (x.shape.join() === shape.join()) return x;
    return this.run('Reshape', [x, this.integers(shape)], { Tshape: INT32 });
  }

  /** A transposition; where only axes of length 1 change places, a reshape, which costs nothing. */
  transpose(x: Tensor, axes: readonly number[]): Tensor {
    const long = axes.filter((axis) => x.shape[axis] !== 1);
    if (long.every((axis, i) => i === 0 || axis > long[i - 1]!)) {
      return this.reshape(
        x,
        axes.map((axis) => x.shape[axis]!),
      );
    }
    return this.run('Transpose', [x, this.integers(axes)], { Tperm: INT32 });
  }

  /** With a value before and after, for each axis. */
  pad(x: Tensor, margins: readonly [number, number][], value = 0): Tensor {
    if (margins.every(([before, after]) => before === 0 && after === 0)) return x;
    const attributes = { Tpaddings: INT32 };
    if (value === 0) return this.run('Pad', [x, this.integers(margins)], attributes);
    return this.run('PadV2', [x, this.integers(margins), this.scalar(value)], attributes);
  }

  slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor {
    if (x.shape.join() === size.join()) return x;
    return this.run('Slice', [x, this.integers(begin), this.integers(size)], { Index: INT32 });
  }

  concat(parts: readonly Tensor[], axis: number): Tensor {
    if (parts.length === 1) return parts[0]!;
    const attributes = { N: { int: parts.length }, Tidx: INT32 };
    return this.run('ConcatV2', [...parts, this.integers(axis)], attributes);
  }

  split(x: Tensor, sizes: readonly number[], axis: number): Tensor[] {
    if (sizes.length === 1) return [x];
    const attributes = { num_split: { int: sizes.length }, Tlen: INT32 };
    return this.all('SplitV', sizes.length, [x, this.integers(sizes), this.integers(axis)], attributes);
  }

  /** `Sum`, `Mean`, `Max`, `Min` or `Prod` over axes, which stay with length 1. */
  reduce(name: string, x: Tensor, axes: readonly number[]): Tensor {
    return this.run(name, [x, this.integers(axes)], { Tidx: INT32, keep_dims: true });
  }

  gather(x: Tensor, indices: Tensor, axis: number): Tensor {
    const attributes = { T: undefined, Tparams: { type: this.typeOf(x) }, Tindices: INT32, Taxis: INT32 };
    return this.run('GatherV2', [x, indices, this.integers(axis)], attributes);
  }

  broadcast(x: Tensor, shape: readonly number[]): Tensor {
    if (x.shape.join() === shape.join()) return x;
    return this.run('BroadcastTo', [x, this.integers(shape)], { Tidx: INT32 });
  }

  #binary(name: string, a: Tensor, b: Tensor | number): Tensor {
    return this.run(name, [a, typeof b === 'number' ? this.scalar(b) : b]);
  }

  #wrap(metadata: TensorMetadata): Tensor {
    const backend = this.#backend;
    if (metadata.dtype !== TYPES.bfloat16) return backend.createOutputTensor(metadata);
    const tensor = backend.createOutputTensor({ ...metadata, dtype: TYPES.float32 });
    backend.tensorMap.get(tensor.dataId).dtype = TYPES.bfloat16;
    return tensor;
  }
}

function encode(
  binding: BackendInternals['binding'],
  name: string,
  value: Exclude<KernelAttribute, undefined>,
): TFEOpAttr {
  if (typeof value === 'number') return { name, type: binding.TF_ATTR_FLOAT, value };
  if (typeof value === 'boolean') return { name, type: binding.TF_ATTR_BOOL, value };
  if (typeof value === 'string') return { name, type: binding.TF_ATTR_STRING, value };
  if ('int' in value) return { name, type: binding.TF_ATTR_INT, value: value.int };
  if ('ints' in value) return { name, type: binding.TF_ATTR_INT, value: [...value.ints] };
  return { name, type: binding.TF_ATTR_TYPE, value: TYPES[value.type] };
}
