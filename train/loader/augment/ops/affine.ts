import type { ImageOp, OpScratch } from './op.ts';

/** Output (x, y) shows input (a x + b y + c, d x + e y + f): Pillow's order of an affine matrix. */
export type AffineMatrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/**
 * Pillow's `Image.transform(AFFINE)` with nearest-neighbour sampling and black outside (libImaging/Geometry.c):
 * pixel centres in 16.16 fixed point, stepped from pixel to pixel and row to row. Where Pillow takes another
 * path, pure translation, the two agree for the whole pixels that torchvision translates by.
 *
 * The pixel that each output pixel shows is worked out here, once; the op only copies.
 */
export function affine(matrix: AffineMatrix, scratch: OpScratch): ImageOp {
  const { height, width, plane } = scratch;
  const pixels = height * width;
  const source = sourcePixels(matrix, height, width);
  return (image) => {
    for (let start = 0; start < 3 * pixels; start += pixels) {
      for (let p = 0; p < pixels; p++) plane[p] = image[start + p]!;
      for (let p = 0; p < pixels; p++) image[start + p] = plane[source[p]!]!;
    }
  };
}

/** For each output pixel the input pixel it shows, or height * width where that lies outside. */
function sourcePixels([a, b, c, d, e, f]: AffineMatrix, height: number, width: number): Int32Array {
  const source = new Int32Array(height * width).fill(height * width);
  let rowX = fixed(c + a * 0.5 + b * 0.5);
  let rowY = fixed(f + d * 0.5 + e * 0.5);
  for (let row = 0; row < height; row++, rowX += fixed(b), rowY += fixed(e)) {
    let xFixed = rowX;
    let yFixed = rowY;
    for (let column = 0; column < width; column++, xFixed += fixed(a), yFixed += fixed(d)) {
      const x = xFixed >> 16;
      const y = yFixed >> 16;
      if (x >= 0 && x < width && y >= 0 && y < height) source[row * width + column] = y * width + x;
    }
  }
  return source;
}

/** To 16.16 fixed point, halves up. */
function fixed(value: number): number {
  return Math.floor(value * 65536 + 0.5);
}
