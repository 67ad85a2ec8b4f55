import type { Tensor } from '@tensorflow/tfjs-node-gpu';
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
  readonly #backend: BackendInternals;
  readonly #owned: RawTensor[] = [];

  /** Calls `body` with a scope and then frees what it made. */
  static run<T>(tf: TensorFlow, body: (scope: Bfloat16Scope) => T): T {
    const scope = new Bfloat16Scope(tf);
    try {
      return body(scope);
    } finally {
      for (const id of scope.#owned) scope.#backend.binding.deleteTensor(id);
    }
  }

  private constructor(tf: TensorFlow) {
    this.#backend = tf.backend() as unknown as BackendInternals;
  }

  get binding(): BackendInternals['binding'] {
    return this.#backend.binding;
  }

  /** A float32 tensor rounded to bfloat16. */
  round(tensor: Tensor): RawTensor {
    const { TF_FLOAT } = this.binding;
    return this.#own(this.#cast(this.plain(tensor), TF_FLOAT, DT_BFLOAT16));
  }

  /** A tensor of tfjs's as it is. */
  plain(tensor: Tensor): RawTensor {
    return this.#backend.getInputTensorIds([tensor])[0]!;
  }

  /** A kernel whose type attribute `T` is bfloat16, and so is its output. */
  kernel(name: string, attributes: TFEOpAttr[], inputs: RawTensor[]): RawTensor {
    const type = { name: 'T', type: this.binding.TF_ATTR_TYPE, value: DT_BFLOAT16 };
    return this.#own(this.binding.executeOp(name, [type, ...attributes], inputs, 1)[0]!);
  }

  /** As a float32 tensor of tfjs's, which outlives the scope. */
  float32(tensor: RawTensor): Tensor {
    return this.#backend.createOutputTensor(this.#cast(tensor, DT_BFLOAT16, this.binding.TF_FLOAT));
  }

  #own({ id }: TensorMetadata): RawTensor {
    this.#owned.push(id);
    return id;
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
