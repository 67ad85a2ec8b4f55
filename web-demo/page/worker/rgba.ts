import type { PixelImage } from '../../../core/preprocess/pixel-image.ts';

/** An RGB image as opaque RGBA, for a canvas. */
export function rgbaOf({ data, width, height }: PixelImage): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray(width * height * 4);
  for (let p = 0; p < width * height; p++) {
    for (let c = 0; c < 3; c++) out[p * 4 + c] = data[p * 3 + c]!;
    out[p * 4 + 3] = 255;
  }
  return out;
}
