import type { Random } from '../../core/random.ts';

/** One kind of damage; returns other bytes, the given ones stay. `from` is a file to splice pieces of. */
type Mutation = (bytes: Uint8Array, random: Random, from: Uint8Array) => Uint8Array;

const below = (random: Random, limit: number): number => Math.floor(random.uniform() * limit);

const flipBits: Mutation = (bytes, random) => {
  const copy = bytes.slice();
  for (let i = 1 + below(random, 8); i > 0; i--) copy[below(random, copy.length)]! ^= 1 << below(random, 8);
  return copy;
};

const truncate: Mutation = (bytes, random) => bytes.slice(0, below(random, bytes.length));

/** The largest varints: a length field that is hit claims more than there is, a size more than can be. */
const inflate: Mutation = (bytes, random) => {
  const copy = bytes.slice();
  const at = below(random, copy.length);
  const length = 1 + below(random, 9);
  copy.fill(0xff, at, at + length);
  if (at + length < copy.length) copy[at + length] = below(random, 0x80);
  return copy;
};

/** A length or small number becomes another one. */
const changeByte: Mutation = (bytes, random) => {
  const copy = bytes.slice();
  copy[below(random, copy.length)] = below(random, 256);
  return copy;
};

const cutOut: Mutation = (bytes, random) => {
  const at = below(random, bytes.length);
  const end = at + 1 + below(random, 64);
  return Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(end));
};

const repeat: Mutation = (bytes, random) => {
  const at = below(random, bytes.length);
  const piece = bytes.subarray(at, at + 1 + below(random, 200));
  return Uint8Array.of(...bytes.subarray(0, at), ...piece, ...bytes.subarray(at));
};

const splice: Mutation = (bytes, random, from) => {
  const copy = bytes.slice();
  const at = below(random, copy.length);
  const piece = from.subarray(below(random, from.length)).subarray(0, 1 + below(random, 200));
  copy.set(piece.subarray(0, copy.length - at), at);
  return copy;
};

const MUTATIONS: readonly Mutation[] = [flipBits, truncate, inflate, changeByte, cutOut, repeat, splice];

/** A damaged copy of a file, another for each `random`; the damage is within the first `reach` bytes. */
export function mutate(
  bytes: Uint8Array,
  random: Random,
  from: Uint8Array,
  reach: number = bytes.length,
): Uint8Array {
  const mutation = MUTATIONS[below(random, MUTATIONS.length)]!;
  const head = mutation(bytes.slice(0, reach), random, from);
  const whole = new Uint8Array(head.length + Math.max(0, bytes.length - reach));
  whole.set(head);
  whole.set(bytes.subarray(reach), head.length);
  return whole;
}
