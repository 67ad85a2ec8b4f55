import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { NodeJSKernelBackend } from '@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js';
import type { TensorFlow } from '../../../core/tensorflow/load-tfjs.ts';

/**
 * Runs one of TensorFlow's own float32 kernels that tfjs has no function for.
 * @param types the kernel's type attributes, all set to float32
 * @param attributes its other ones; a number is a float
 * @see https://www.tensorflow.org/versions/r2.15/api_docs/python/tf/raw_ops
 */
export function runKernel(
  tf: TensorFlow,
  name: string,
  inputs: Tensor[],
  outputs: number,
  types: readonly string[] = ['T'],
  attributes: Readonly<Record<string, number | boolean | string>> = {},
): Tensor[] {
  const backend = tf.backend() as unknown as NodeJSKernelBackend;
  const { binding } = backend;
  const codes = {
    number: binding.TF_ATTR_FLOAT,
    boolean: binding.TF_ATTR_BOOL,
    string: binding.TF_ATTR_STRING,
  };
  const all = [
    ...types.map((type) => ({ name: type, type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT })),
    ...Object.entries(attributes).map(([key, value]) => ({
      name: key,
      type: codes[typeof value as keyof typeof codes],
      value,
    })),
  ];
  return backend.executeMultipleOutputs(name, all, inputs, outputs);
}
