import type { Tensor } from '@tensorflow/tfjs-node-gpu';
import type { TensorFlow } from '../../../core/tensorflow/load-tfjs.ts';

/**
 * A customGrad gradient function that disposes of the gradient it is given and of what was saved for it. tfjs would
 * keep both, of every operator, until the whole way back is gone: the gradients of all activations at once, which
 * doubles the memory of a step. Neither is read again, unless an operator hands its gradient on as it is: it must
 * give a clone.
 */
export function spending(
  tf: TensorFlow,
  gradient: (dy: Tensor, saved: Tensor[]) => Tensor[],
): (dy: Tensor, saved: Tensor[]) => Tensor[] {
  return (dy, saved) => {
    const gradients = tf.tidy(() => gradient(dy, saved));
    tf.dispose([dy, saved]);
    return gradients;
  };
}
