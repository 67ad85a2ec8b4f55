/**
 * Pillow's conversion of RGB to grey (mode L): ITU-R 601-2 luma in 16-bit fixed point, rounded
 * (libImaging/Convert.c).
 */
export function luma(red: number, green: number, blue: number): number {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}

/** The grey values of a channel-planar image, into `grey`. */
export function lumaPlane(image: Uint8Array, grey: Uint8Array, pixels: number): void {
  for (let p = 0; p < pixels; p++) grey[p] = luma(image[p]!, image[p + pixels]!, image[p + 2 * pixels]!);
}

/** The mean grey value as ImageEnhance.Contrast takes it: rounded, halves up. */
export function meanLuma(image: Uint8Array, pixels: number): number {
  let sum = 0;
  for (let p = 0; p < pixels; p++) sum += luma(image[p]!, image[p + pixels]!, image[p + 2 * pixels]!);
  return Math.floor(sum / pixels + 0.5);
}
