import type { Normalization } from '../data/dataset.ts';

/**
 * Turns bytes into a network's input: `(v / 255 - mean) / std` per channel, worked out in double precision
 * for each of the 256 bytes and rounded once to float32. Trainer, server and browser all look values up in
 * this table, so they feed a model bit-identical tensors.
 */
export class Normalizer {
  readonly #red: Float32Array;
  readonly #green: Float32Array;
  readonly #blue: Float32Array;

  constructor(normalization: Normalization) {
    this.#red = channelTable(normalization, 0);
    this.#green = channelTable(normalization, 1);
    this.#blue = channelTable(normalization, 2);
  }

  /**
   * One image of channel planes (CIFAR's order: all red, all green, all blue bytes).
   * @param src the bytes; the image's 3 * pixels begin at `srcOffset`
   * @param dst written from `dstOffset` on, 3 * pixels values, channel-planar
   * @param pixels height * width
   * @throws RangeError if either array is too short
   */
  planar(src: Uint8Array, srcOffset: number, dst: Float32Array, dstOffset: number, pixels: number): void {
    checkRoom(src.length - srcOffset, 3 * pixels, dst.length - dstOffset, pixels);
    plane(src, srcOffset, 1, dst, dstOffset, pixels, this.#red);
    plane(src, srcOffset + pixels, 1, dst, dstOffset + pixels, pixels, this.#green);
    plane(src, srcOffset + 2 * pixels, 1, dst, dstOffset + 2 * pixels, pixels, this.#blue);
  }

  /**
   * One image of interleaved pixels (a decoder's RGB, a canvas's RGBA); alpha is ignored.
   * @param src the bytes, the image from the first one on
   * @param srcChannels bytes a pixel
   * @param dst written from `dstOffset` on, 3 * pixels values, channel-planar
   * @param pixels height * width
   * @throws RangeError if either array is too short
   */
  interleaved(
    src: Uint8Array | Uint8ClampedArray,
    srcChannels: 3 | 4,
    dst: Float32Array,
    dstOffset: number,
    pixels: number,
  ): void {
    checkRoom(src.length, srcChannels * pixels, dst.length - dstOffset, pixels);
    plane(src, 0, srcChannels, dst, dstOffset, pixels, this.#red);
    plane(src, 1, srcChannels, dst, dstOffset + pixels, pixels, this.#green);
    plane(src, 2, srcChannels, dst, dstOffset + 2 * pixels, pixels, this.#blue);
  }

  /**
   * Images as one tensor.
   * @param images interleaved RGB, [height, width, 3] each
   * @param pixels height * width
   * @returns [images, 3, height, width]
   * @throws RangeError if one is too short
   */
  batch(images: readonly (Uint8Array | Uint8ClampedArray)[], pixels: number): Float32Array<ArrayBuffer> {
    const input = new Float32Array(images.length * 3 * pixels);
    for (const [i, image] of images.entries()) this.interleaved(image, 3, input, i * 3 * pixels, pixels);
    return input;
  }
}

function channelTable({ mean, std }: Normalization, channel: 0 | 1 | 2): Float32Array {
  return Float32Array.from({ length: 256 }, (_, v) => (v / 255 - mean[channel]) / std[channel]);
}

function plane(
  src: Uint8Array | Uint8ClampedArray,
  from: number,
  step: number,
  dst: Float32Array,
  to: number,
  pixels: number,
  table: Float32Array,
): void {
  for (let p = 0, at = from; p < pixels; p++, at += step) dst[to + p] = table[src[at]!]!;
}

/** Typed arrays read undefined and drop writes past their end, which would pass for a valid tensor. */
function checkRoom(bytes: number, bytesNeeded: number, values: number, pixels: number): void {
  if (bytes < bytesNeeded) throw new RangeError(`image has ${bytes} bytes, needs ${bytesNeeded}`);
  if (values < 3 * pixels) throw new RangeError(`tensor has room for ${values} values, needs ${3 * pixels}`);
}
