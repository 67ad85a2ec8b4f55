import { affine } from './affine.ts';
import type { ImageOp, OpScratch } from './op.ts';

/**
 * Shifts each row by `shear` times its height above the upper edge (torchvision's `F.affine` with
 * `shear=[degrees(atan(shear)), 0]` and `center=[0, 0]`).
 */
export function shearX(shear: number, scratch: OpScratch): ImageOp {
  return affine([1, roundTrip(shear), 0, 0, 1, 0], scratch);
}

/** As {@link shearX}, columns instead of rows. */
export function shearY(shear: number, scratch: OpScratch): ImageOp {
  return affine([1, 0, 0, roundTrip(shear), 1, 0], scratch);
}

/**
 * Moves the image to the right.
 * @param pixels the fraction is cut off, as torchvision does
 */
export function translateX(pixels: number, scratch: OpScratch): ImageOp {
  return affine([1, 0, -Math.trunc(pixels), 0, 1, 0], scratch);
}

/** Moves the image down; see {@link translateX}. */
export function translateY(pixels: number, scratch: OpScratch): ImageOp {
  return affine([1, 0, 0, 0, 1, -Math.trunc(pixels)], scratch);
}

/**
 * Turns the image about its centre (Pillow's `Image.rotate`).
 * @param degrees counter-clockwise
 */
export function rotate(degrees: number, scratch: OpScratch): ImageOp {
  const radians = -degreesToRadians(((degrees % 360) + 360) % 360);
  const cos = round15(Math.cos(radians));
  const sin = round15(Math.sin(radians));
  const centerX = scratch.width / 2;
  const centerY = scratch.height / 2;
  const c = cos * -centerX + sin * -centerY + centerX;
  const f = -sin * -centerX + cos * -centerY + centerY;
  return affine([cos, sin, c, -sin, cos, f], scratch);
}

/** The shear after torchvision's way through degrees. */
function roundTrip(shear: number): number {
  return Math.tan(degreesToRadians(Math.atan(shear) * (180 / Math.PI)));
}

function degreesToRadians(degrees: number): number {
  return degrees * (Math.PI / 180);
}

/** To 15 decimals, so that a right angle has a cosine of 0. */
function round15(value: number): number {
  return Math.round(value * 1e15) / 1e15;
}
