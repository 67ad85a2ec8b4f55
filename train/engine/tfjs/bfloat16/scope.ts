import type { Tensor, Tensor4D } from '@tensorflow/tfjs-node-gpu';
import type { NodeJSKernelBackend } from '@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js';
import type { TensorMetadata, TFEOpAttr } from '@tensorflow/tfjs-node-gpu/dist/tfjs_binding.js';
import type { TensorFlow } from '../../../../core/tensorflow/load-tfjs.ts';

/** TensorFlow's number for the type (DT_BFLOAT16 of types.proto), which tfjs has no name for. */
const DT_BFLOAT16 = 14;

/** What tfjs-node keeps to itself: its tensors as TensorFlow's numbered ones, and the way back. */
interface BackendInternals {
  binding: NodeJSKernelBackend['binding'];
  getInputTensorIds(tensors: Tensor[]): number[];
  createOutputTensor(metadata: TensorMetadata): Tensor;
}

/** A tensor of TensorFlow's that tfjs does not know of. */
export type RawTensor = number;

/** Runs TensorFlow's kernels on bfloat16 tensors, which live until the scope ends. */
export class Bfloat16Scope {
  readonly #tf: TensorFlow;
  readonly #backend: BackendInternals;
  readonly #owned: RawTensor[] = [];
  readonly #integers: Tensor[] = [];

  /** Calls `body` with a scope and then frees what it made. */
  static run<T>(tf: TensorFlow, body: (scope: Bfloat16Scope) => T): T {
    const scope = new Bfloat16Scope(tf);
    try {
      return body(scope);
    } finally {
      for (const id of scope.#owned) scope.#backend.binding.deleteTensor(id);
      tf.dispose(scope.#integers);
    }
  }

  private constructor(tf: TensorFlow) {
    this.#tf = tf;
    this.#backend = tf.backend() as unknown as BackendInternals;
  }

  get binding(): BackendInternals['binding'] {
    return this.#backend.binding;
  }

  /** A float32 tensor rounded to bfloat16. */
  round(tensor: Tensor): RawTensor {
    return this.#own(this.#rounded(tensor));
  }

  /**
   * A float32 tensor rounded to bfloat16, as a tensor of tfjs's, which outlives the scope and can be saved for a
   * gradient. tfjs has no such type and takes it for float32: only a scope can read it.
   */
  rounded(tensor: Tensor): Tensor {
    return this.#backend.createOutputTensor({ ...this.#rounded(tensor), dtype: this.binding.TF_FLOAT });
  }

  /** A tensor of tfjs's as it is. */
  plain(tensor: Tensor): RawTensor {
    return this.#backend.getInputTensorIds([tensor])[0]!;
  }

  /** int32 values, such as a shape: [], [length] or [length, 2]. */
  integers(values: number | number[] | [number, number][]): RawTensor {
    const tensor = this.#tf.tensor(values, undefined, 'int32');
    this.#integers.push(tensor);
    return this.plain(tensor);
  }

  /** A kernel whose type attribute `T` is bfloat16, and so is its output. */
  kernel(name: string, inputs: RawTensor[], attributes: TFEOpAttr[] = []): RawTensor {
    const type = { name: 'T', type: this.binding.TF_ATTR_TYPE, value: DT_BFLOAT16 };
    return this.#own(this.binding.executeOp(name, [type, ...attributes], inputs, 1)[0]!);
  }

  reshape(x: RawTensor, shape: number[]): RawTensor {
    return this.kernel('Reshape', [x, this.integers(shape)], [this.#int32('Tshape')]);
  }

  /** With zeros before and after, for each axis. */
  pad(x: RawTensor, margins: [number, number][]): RawTensor {
    if (margins.every(([before, after]) => before + after === 0)) return x;
    return this.kernel('Pad', [x, this.integers(margins)], [this.#int32('Tpaddings')]);
  }

  slice(x: RawTensor, begin: number[], size: number[]): RawTensor {
    return this.kernel('Slice', [x, this.integers(begin), this.integers(size)], [this.#int32('Index')]);
  }

  concat(parts: RawTensor[], axis: number): RawTensor {
    if (parts.length === 1) return parts[0]!;
    const count = { name: 'N', type: this.binding.TF_ATTR_INT, value: parts.length };
    return this.kernel('ConcatV2', [...parts, this.integers(axis)], [count, this.#int32('Tidx')]);
  }

  /** a^T b, with float32 sums. */
  product(a: RawTensor, b: RawTensor): RawTensor {
    const flag = (name: string, value: boolean) => ({ name, type: this.binding.TF_ATTR_BOOL, value });
    return this.kernel('MatMul', [a, b], [flag('transpose_a', true), flag('transpose_b', false)]);
  }

  /** As a float32 tensor of tfjs's, which outlives the scope. */
  float32(tensor: RawTensor): Tensor4D {
    const { TF_FLOAT } = this.binding;
    return this.#backend.createOutputTensor(this.#cast(tensor, DT_BFLOAT16, TF_FLOAT)) as Tensor4D;
  }

  #rounded(tensor: Tensor): TensorMetadata {
    return this.#cast(this.plain(tensor), this.binding.TF_FLOAT, DT_BFLOAT16);
  }

  #own({ id }: TensorMetadata): RawTensor {
    this.#owned.push(id);
    return id;
  }

  #int32(name: string): TFEOpAttr {
    return { name, type: this.binding.TF_ATTR_TYPE, value: this.binding.TF_INT32 };
  }

  #cast(tensor: RawTensor, from: number, to: number): TensorMetadata {
    const { binding } = this;
    const attributes = [
      { name: 'SrcT', type: binding.TF_ATTR_TYPE, value: from },
      { name: 'DstT', type: binding.TF_ATTR_TYPE, value: to },
      // False: round to the nearest.
      { name: 'Truncate', type: binding.TF_ATTR_BOOL, value: false },
    ];
    return binding.executeOp('Cast', attributes, [tensor], 1)[0]!;
  }
}
