import { type ResizeWeights, triangleWeights, weightedSum } from './resize.ts';

/** In pixels. */
export interface PlanarSize {
  height: number;
  width: number;
}

/**
 * Resizes channel-planar images of one size to another as `resizeBilinear` does interleaved ones, to the bit;
 * the weights are computed once.
 */
export class PlanarResizer {
  readonly #across: ResizeWeights;
  readonly #down: ResizeWeights;
  readonly #rows: Uint8Array;
  readonly #result: Uint8Array;

  constructor(
    private readonly from: PlanarSize,
    private readonly to: PlanarSize,
  ) {
    this.#across = triangleWeights(from.width, to.width);
    this.#down = triangleWeights(from.height, to.height);
    this.#rows = new Uint8Array(3 * from.height * to.width);
    this.#result = new Uint8Array(3 * to.height * to.width);
  }

  /**
   * @param image 3 * height * width bytes
   * @returns as many of the new size, valid until the next call
   */
  resize(image: Uint8Array): Uint8Array {
    const { from, to } = this;
    const across = this.#across;
    let at = 0;
    for (let row = 0; row < 3 * from.height; row++) {
      for (let x = 0; x < to.width; x++, at++) {
        this.#rows[at] = weightedSum(image, row * from.width + across.first[x]!, 1, across, x);
      }
    }
    at = 0;
    for (let channel = 0; channel < 3; channel++) {
      for (let y = 0; y < to.height; y++) {
        const start = (channel * from.height + this.#down.first[y]!) * to.width;
        for (let x = 0; x < to.width; x++, at++) {
          this.#result[at] = weightedSum(this.#rows, start + x, to.width, this.#down, y);
        }
      }
    }
    return this.#result;
  }
}
