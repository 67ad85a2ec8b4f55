import { Random } from '../../core/random.ts';
import { RandomStream } from './random-stream.ts';

/** The order in which an epoch visits `count` images: a permutation that depends on seed and epoch alone. */
export function epochOrder(count: number, seed: number, epoch: number): Uint32Array {
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  return new Random(seed, RandomStream.order, epoch).shuffle(order);
}
