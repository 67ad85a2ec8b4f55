/**
 * Pillow's `Image.blend(degenerate, image, factor)`, which all of ImageEnhance is:
 * `degenerate + factor * (image - degenerate)` in single precision, clipped and cut to a whole number
 * (libImaging/Blend.c; between 0 and 1 Pillow does not clip, but there is nothing to clip).
 */
export class Blend {
  /** factor * difference, for differences from -255 to 255. */
  readonly #scaled: Float32Array;

  /** @param factor 0 gives the degenerate image, 1 the image, more goes beyond it */
  constructor(factor: number) {
    // C receives the factor as a float.
    const single = Math.fround(factor);
    this.#scaled = Float32Array.from({ length: 511 }, (_, i) => single * (i - 255));
  }

  /** One blended byte. */
  byte(degenerate: number, value: number): number {
    const blended = Math.fround(degenerate + this.#scaled[value - degenerate + 255]!);
    return Math.trunc(Math.max(0, Math.min(255, blended)));
  }

  /**
   * Blends a channel in place.
   * @param image the channel begins at `offset`
   * @param degenerate the other image's channel
   * @param count pixels
   */
  plane(image: Uint8Array, offset: number, degenerate: Uint8Array, count: number): void {
    const scaled = this.#scaled;
    for (let p = 0; p < count; p++) {
      const other = degenerate[p]!;
      const blended = Math.fround(other + scaled[image[offset + p]! - other + 255]!);
      // The assignment cuts off the fraction; only the range needs care.
      image[offset + p] = Math.max(0, Math.min(255, blended));
    }
  }
}
