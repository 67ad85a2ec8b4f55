import { Blend } from './blend.ts';
import { applyTable, lookupOp, lookupTable } from './lookup.ts';
import { lumaPlane, meanLuma } from './luma.ts';
import type { ImageOp, OpScratch } from './op.ts';

/**
 * Blends with black (Pillow's `ImageEnhance.Brightness`).
 * @param factor 1 changes nothing
 */
export function brightness(factor: number): ImageOp {
  const blend = new Blend(factor);
  return lookupOp(lookupTable((value) => blend.byte(0, value)));
}

/**
 * Blends with the image in grey (Pillow's `ImageEnhance.Color`).
 * @param factor 1 changes nothing
 */
export function color(factor: number, { height, width, plane }: OpScratch): ImageOp {
  const pixels = height * width;
  const blend = new Blend(factor);
  return (image) => {
    lumaPlane(image, plane, pixels);
    for (let c = 0; c < 3; c++) blend.plane(image, c * pixels, plane, pixels);
  };
}

/**
 * Blends with the image's mean grey (Pillow's `ImageEnhance.Contrast`).
 * @param factor 1 changes nothing
 */
export function contrast(factor: number, { height, width }: OpScratch): ImageOp {
  const blend = new Blend(factor);
  const table = new Uint8Array(256);
  return (image) => {
    const mean = meanLuma(image, height * width);
    for (let value = 0; value < 256; value++) table[value] = blend.byte(mean, value);
    applyTable(image, 0, image.length, table);
  };
}
