import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { NodeJSKernelBackend } from '@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js';
import type { TensorMetadata, TFEOpAttr } from '@tensorflow/tfjs-node-gpu/dist/tfjs_binding.js';
import type { TensorFlow } from '../../../core/tensorflow/load-tfjs.ts';
import { DT_BFLOAT16, type ElementType, elementTypeOf, markBfloat16 } from './bfloat16/element-type.ts';

/** A kernel's attribute; a plain number is a float. */
export type KernelAttribute =
  | number
  | boolean
  | string
  | { type: ElementType | 'int32' }
  | { int: number }
  | { ints: readonly number[] };

/**
 * Runs one of TensorFlow's own kernels that tfjs has no function for, or has it for float32 only. Its type
 * attribute `T` is that of the first input.
 * @see https://www.tensorflow.org/versions/r2.15/api_docs/python/tf/raw_ops
 */
export function runKernel(
  tf: TensorFlow,
  name: string,
  inputs: readonly Tensor[],
  attributes: Readonly<Record<string, KernelAttribute>> = {},
  outputs = 1,
): Tensor[] {
  const { binding } = backendOf(tf);
  const all = Object.entries({ T: { type: elementTypeOf(tf, inputs[0]!) }, ...attributes });
  const encoded = all.map(([key, value]) => encode(binding, key, value));
  const ids = backendOf(tf).getInputTensorIds([...inputs]);
  return binding.executeOp(name, encoded, ids, outputs).map((metadata) => wrap(tf, metadata));
}

/** Rounds a float32 tensor to the nearest bfloat16 values, or widens one of those. */
export function cast(tf: TensorFlow, tensor: Tensor, to: ElementType): Tensor {
  const { binding } = backendOf(tf);
  const attributes = {
    SrcT: { type: elementTypeOf(tf, tensor) },
    DstT: { type: to },
    Truncate: false,
  };
  const encoded = Object.entries(attributes).map(([key, value]) => encode(binding, key, value));
  return wrap(tf, binding.executeOp('Cast', encoded, backendOf(tf).getInputTensorIds([tensor]), 1)[0]!);
}

/** Whether TensorFlow found a GPU that it can use. */
export function runsOnGpu(tf: TensorFlow): boolean {
  return (tf.backend() as unknown as NodeJSKernelBackend).isUsingGpuDevice;
}

/** What tfjs-node keeps to itself: its tensors as TensorFlow's numbered ones, and the way back. */
interface BackendInternals {
  binding: NodeJSKernelBackend['binding'];
  getInputTensorIds(tensors: Tensor[]): number[];
  createOutputTensor(metadata: TensorMetadata): Tensor;
}

function backendOf(tf: TensorFlow): BackendInternals {
  return tf.backend() as unknown as BackendInternals;
}

function wrap(tf: TensorFlow, metadata: TensorMetadata): Tensor {
  const backend = backendOf(tf);
  if (metadata.dtype !== DT_BFLOAT16) return backend.createOutputTensor(metadata);
  return markBfloat16(tf, backend.createOutputTensor({ ...metadata, dtype: backend.binding.TF_FLOAT }));
}

function encode(binding: BackendInternals['binding'], name: string, value: KernelAttribute): TFEOpAttr {
  if (typeof value === 'number') return { name, type: binding.TF_ATTR_FLOAT, value };
  if (typeof value === 'boolean') return { name, type: binding.TF_ATTR_BOOL, value };
  if (typeof value === 'string') return { name, type: binding.TF_ATTR_STRING, value };
  if ('int' in value) return { name, type: binding.TF_ATTR_INT, value: value.int };
  if ('ints' in value) return { name, type: binding.TF_ATTR_INT, value: [...value.ints] };
  const types = { float32: binding.TF_FLOAT, int32: binding.TF_INT32, bfloat16: DT_BFLOAT16 };
  return { name, type: binding.TF_ATTR_TYPE, value: types[value.type] };
}
