/** Bins on either side of zero; doubling the range merges pairs, so half of them are in use at least. */
const HALF_BINS = 8192;

/**
 * A histogram of a stream of values whose range is not known beforehand. Bins are a power of two wide, with
 * an edge at zero; a value out of range doubles the width by merging pairs of bins, as often as needed. So
 * memory is fixed, counts are exact, and the order of the values makes no difference.
 *
 * Exact zeros, of which a ReLU makes many, are counted apart: a quantised tensor represents them exactly.
 */
export class Histogram {
  readonly counts = new Float64Array(2 * HALF_BINS);
  /** Values seen that are not zero. */
  nonZero = 0;
  zeros = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  #binWidth = 0;

  get binWidth(): number {
    return this.#binWidth;
  }

  /** The lower edge of a bin. */
  edge(bin: number): number {
    return (bin - HALF_BINS) * this.#binWidth;
  }

  /** @throws RangeError if a value is not finite */
  add(values: Float32Array): void {
    let min = this.min;
    let max = this.max;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (!(Math.abs(value) < Number.POSITIVE_INFINITY)) throw new RangeError(`a value is ${value}`);
      if (value < min) min = value;
      if (value > max) max = value;
    }
    this.min = min;
    this.max = max;
    this.#reach(Math.max(-min, max));
    if (this.#binWidth === 0) {
      this.zeros += values.length;
      return;
    }
    const scale = 1 / this.#binWidth;
    let zeros = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value === 0) zeros++;
      else this.counts[Math.floor(value * scale) + HALF_BINS]!++;
    }
    this.zeros += zeros;
    this.nonZero += values.length - zeros;
  }

  /** Widens the range until a magnitude lies below its end. */
  #reach(magnitude: number): void {
    if (!(magnitude > 0)) return;
    if (this.#binWidth === 0) this.#binWidth = 2 ** Math.floor(Math.log2(magnitude)) / HALF_BINS;
    while (magnitude >= this.#binWidth * HALF_BINS) this.#double();
  }

  #double(): void {
    const { counts } = this;
    // From the middle outwards, so that no bin is overwritten before it is read.
    for (let bin = 0; bin < HALF_BINS; bin++) {
      const right = HALF_BINS + 2 * bin;
      const left = HALF_BINS - 1 - 2 * bin;
      const inRange = 2 * bin < HALF_BINS;
      counts[HALF_BINS + bin] = inRange ? counts[right]! + counts[right + 1]! : 0;
      counts[HALF_BINS - 1 - bin] = inRange ? counts[left]! + counts[left - 1]! : 0;
    }
    this.#binWidth *= 2;
  }
}
