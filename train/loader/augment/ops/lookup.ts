import type { ImageOp } from './op.ts';

/** A table of what becomes of each of the 256 bytes. */
export function lookupTable(byte: (value: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, value) => byte(value));
}

/** The op that puts every byte through the same table (Pillow's `Image.point`). */
export function lookupOp(table: Uint8Array): ImageOp {
  return (image) => applyTable(image, 0, image.length, table);
}

/** Puts the bytes from `start` to before `end` through a table. */
export function applyTable(image: Uint8Array, start: number, end: number, table: Uint8Array): void {
  for (let i = start; i < end; i++) image[i] = table[image[i]!]!;
}
