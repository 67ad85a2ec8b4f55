import type { Random } from '../../../../core/random.ts';

/** A random permutation of 0..size-1: with which image of the batch each is mixed. */
export function randomPartners(size: number, random: Random): Uint32Array {
  const partner = new Uint32Array(size);
  for (let i = 0; i < size; i++) partner[i] = i;
  return random.shuffle(partner);
}
