/**
 * Seeded pseudo-random numbers: xoshiro128** 1.1 by David Blackman and Sebastiano Vigna
 * (https://prng.di.unimi.it/xoshiro128starstar.c), its state filled by SplitMix32, the 32-bit SplitMix with
 * the finaliser of MurmurHash3 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
 * 2014). Not for cryptography.
 *
 * It is cheap to construct, so code that must not depend on the order of work makes one generator for each
 * item, e.g. `new Random(seed, epoch, index)`.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;
  /** The second value of the last polar pair, or NaN. */
  #spareNormal = Number.NaN;

  /**
   * @param seed any number that is a whole number up to 2^53 in size
   * @param stream further whole numbers; different streams of a seed are independent for practical purposes
   */
  constructor(seed: number, ...stream: number[]) {
    let state = absorb(0, seed);
    for (const part of stream) state = absorb(state, part);
    this.#a = mix((state + GOLDEN) | 0);
    this.#b = mix((state + 2 * GOLDEN) | 0);
    this.#c = mix((state + 3 * GOLDEN) | 0);
    // The four differ pairwise (mix is a bijection), so the all-zero state cannot arise.
    this.#d = mix((state + 4 * GOLDEN) | 0);
  }

  /** A generator in the given xoshiro state (four 32-bit words, not all zero), as published vectors state it. */
  static fromState(a: number, b: number, c: number, d: number): Random {
    const random = new Random(0);
    [random.#a, random.#b, random.#c, random.#d] = [a, b, c, d];
    return random;
  }

  /** A whole number, uniform in [0, 2^32). */
  nextUint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9);
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = rotateLeft(this.#d, 11);
    return result >>> 0;
  }

  /** A number, uniform in [0, 1), of 53 random bits. */
  uniform(): number {
    const high = this.nextUint32() >>> 5;
    const low = this.nextUint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** A draw from the standard normal distribution, by Marsaglia's polar method. */
  normal(): number {
    if (!Number.isNaN(this.#spareNormal)) {
      const spare = this.#spareNormal;
      this.#spareNormal = Number.NaN;
      return spare;
    }
    let x: number;
    let y: number;
    let square: number;
    do {
      x = 2 * this.uniform() - 1;
      y = 2 * this.uniform() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const scale = Math.sqrt((-2 * Math.log(square)) / square);
    this.#spareNormal = y * scale;
    return x * scale;
  }

  /**
   * A whole number, uniform in [0, n), without modulo bias (the ragged end of the 32-bit range is drawn again).
   * @param n from 1 to 2^32
   * @throws RangeError on any other n
   */
  integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw new RangeError(`integer(n) takes a whole number from 1 to 2^32, not ${n}`);
    }
    const limit = 2 ** 32 - (2 ** 32 % n);
    let value = this.nextUint32();
    while (value >= limit) value = this.nextUint32();
    return value % n;
  }

  /** Shuffles in place (Fisher-Yates) and returns the same array. */
  shuffle<T extends { readonly length: number; [index: number]: number } | unknown[]>(array: T): T {
    const items = array as { readonly length: number; [index: number]: unknown };
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const swapped = items[i];
      items[i] = items[j];
      items[j] = swapped;
    }
    return array;
  }
}

/** 2^32 divided by the golden ratio, the step of SplitMix32. */
const GOLDEN = 0x9e3779b9;

/** The 32-bit finaliser of MurmurHash3, a bijection. */
function mix(value: number): number {
  let z = value;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return z ^ (z >>> 16);
}

/** Folds one whole number into the 32-bit seed; high and low words both count. */
function absorb(state: number, part: number): number {
  const low = part | 0;
  const high = Math.floor(part / 2 ** 32) | 0;
  const once = mix((state + GOLDEN) ^ low);
  return mix((once + GOLDEN) ^ high);
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
