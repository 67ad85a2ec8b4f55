import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../../../core/tensorflow/load-tfjs.ts';
import { cast } from '../kernel.ts';
import { spending } from '../spent.ts';
import { type ElementType, elementTypeOf } from './element-type.ts';

/** The tensor in a type: itself if it has it. Autodiff does not see it. */
export function inType(tf: TensorFlow, tensor: Tensor, type: ElementType): Tensor {
  return elementTypeOf(tf, tensor) === type ? tensor : cast(tf, tensor, type);
}

/**
 * The tensor as float32, which autodiff follows.
 * @param gradient the type its own gradient is given in
 */
export function widened(tf: TensorFlow, tensor: Tensor, gradient: ElementType): Tensor {
  if (elementTypeOf(tf, tensor) === 'float32') return tensor;
  const widen = tf.customGrad((...args) => ({
    value: cast(tf, args[0] as Tensor, 'float32'),
    gradFunc: spending(tf, (dy) => [handedOn(tf, dy, gradient)]),
  }));
  return widen(tensor);
}

/** A gradient as the one of what it was computed from, in a type; never the tensor itself, which is spent. */
export function handedOn(tf: TensorFlow, dy: Tensor, type: ElementType): Tensor {
  return elementTypeOf(tf, dy) === type ? dy.clone() : cast(tf, dy, type);
}
