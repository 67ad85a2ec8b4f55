import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../../../core/tensorflow/load-tfjs.ts';

/** What activations are computed in. */
export type ElementType = 'float32' | 'bfloat16';

/** TensorFlow's number for the type (DT_BFLOAT16 of types.proto), which tfjs has no name for. */
export const DT_BFLOAT16 = 14;

/** tfjs-node's notes on a tensor's memory, which clones of it share. */
interface TensorMap {
  tensorMap: { get(dataId: object): { dtype: number } };
}

/**
 * The type of a float tensor. tfjs itself takes one of bfloat16 for float32: only `runKernel` can do something with
 * it, and autodiff, which hands gradients on without looking inside.
 */
export function elementTypeOf(tf: TensorFlow, tensor: Tensor): ElementType {
  return notesOn(tf, tensor).dtype === DT_BFLOAT16 ? 'bfloat16' : 'float32';
}

/** Notes that the tensor's memory, which tfjs took for float32, is bfloat16. */
export function markBfloat16(tf: TensorFlow, tensor: Tensor): Tensor {
  notesOn(tf, tensor).dtype = DT_BFLOAT16;
  return tensor;
}

function notesOn(tf: TensorFlow, tensor: Tensor): { dtype: number } {
  return (tf.backend() as unknown as TensorMap).tensorMap.get(tensor.dataId);
}
