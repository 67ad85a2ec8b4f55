/** Interleaved 8-bit sRGB pixels, row by row: RGB, or RGBA with alpha not multiplied into the colours. */
export interface PixelImage {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  channels: 3 | 4;
}
