import { Blend } from './blend.ts';
import type { ImageOp, OpScratch } from './op.ts';

/**
 * A sum of Pillow's SMOOTH kernel (1 1 1, 1 5 1, 1 1 1) to its smoothed byte: sum / 13, rounded. Pillow sums in
 * single precision, but no sum of whole numbers comes nearer to the half between two bytes than 1/26, far more
 * than what single precision can be wrong by.
 */
const SMOOTHED = Uint8Array.from({ length: 13 * 255 + 1 }, (_, sum) => Math.floor((2 * sum + 13) / 26));

/**
 * Blends with the smoothed image (Pillow's `ImageEnhance.Sharpness`).
 * @param factor below 1 blurs, 1 changes nothing, more sharpens
 */
export function sharpness(factor: number, { height, width, plane }: OpScratch): ImageOp {
  const pixels = height * width;
  const blend = new Blend(factor);
  return (image) => {
    for (let c = 0; c < 3; c++) {
      smooth(image, c * pixels, height, width, plane);
      blend.plane(image, c * pixels, plane, pixels);
    }
  };
}

/** Pillow's `ImageFilter.SMOOTH` on one channel; its 3x3 filters copy the border (libImaging/Filter.c). */
function smooth(image: Uint8Array, offset: number, height: number, width: number, out: Uint8Array): void {
  for (let y = 0; y < height; y++) {
    const row = y * width;
    if (y === 0 || y === height - 1) {
      for (let x = 0; x < width; x++) out[row + x] = image[offset + row + x]!;
      continue;
    }
    out[row] = image[offset + row]!;
    out[row + width - 1] = image[offset + row + width - 1]!;
    // Sums of three pixels above each other, of the columns left of x, at x and right of it.
    let at = offset + row;
    let left = image[at - width]! + image[at]! + image[at + width]!;
    at += 1;
    let middle = image[at - width]! + image[at]! + image[at + width]!;
    for (let x = 1; x < width - 1; x++) {
      const center = image[at]!;
      at += 1;
      const right = image[at - width]! + image[at]! + image[at + width]!;
      out[row + x] = SMOOTHED[left + middle + right + 4 * center]!;
      left = middle;
      middle = right;
    }
  }
}
