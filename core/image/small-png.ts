import { crc32, inflateSync } from 'node:zlib';
import type { PixelImage } from '../preprocess/pixel-image.ts';

/** Above it the general decoder's fixed cost no longer counts, and the event loop would be held up. */
const MAX_PIXELS = 64 * 64;

const IHDR = 0x49484452;
const IDAT = 0x49444154;
const IEND = 0x49454e44;
/** Such a file has a handful; each costs time, whatever is in it. */
const MAX_CHUNKS = 64;
/** Such a file has a fraction of that. */
const MAX_BYTES = 65_536;
/** pHYs, tEXt, zTXt, iTXt, tIME: they say nothing about colours. */
const HARMLESS = new Set([0x70485973, 0x74455874, 0x7a545874, 0x69545874, 0x74494d45]);

/**
 * Decodes the kind of PNG that data sets are made of: small, 8-bit RGB or RGBA, not interlaced, without colour
 * profile. It takes a thirtieth of the general decoder's time, which is mostly spent on setting up.
 * (PNG specification, second edition, sections 5 and 9.)
 * @param bytes begin with PNG's signature
 * @returns undefined for any other PNG, damaged ones among them: the general decoder says what it thinks of it
 */
export function decodeSmallPng(bytes: Uint8Array): PixelImage | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 57 || bytes.length > MAX_BYTES || view.getUint32(12) !== IHDR) return undefined;
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const [depth, colorType, compression, filter, interlace] = bytes.subarray(24, 29);
  if (width < 1 || height < 1 || width * height > MAX_PIXELS || depth !== 8) return undefined;
  if ((colorType !== 2 && colorType !== 6) || compression !== 0 || filter !== 0 || interlace !== 0)
    return undefined;
  const compressed = imageData(bytes, view);
  if (!compressed) return undefined;
  const channels = colorType === 2 ? 3 : 4;
  const length = height * (1 + width * channels);
  let rows: Uint8Array;
  try {
    rows = inflateSync(compressed, { maxOutputLength: length });
  } catch {
    return undefined;
  }
  if (rows.length !== length) return undefined;
  const data = unfilter(rows, width * channels, height, channels);
  return data && { data, width, height, channels };
}

/** The IDAT chunks' contents joined; undefined if a checksum is wrong, a chunk matters, there are many, or the end is missing. */
function imageData(bytes: Uint8Array, view: DataView): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  let chunks = 0;
  for (let at = 8; at + 12 <= bytes.length && chunks < MAX_CHUNKS; chunks++) {
    const length = view.getUint32(at);
    const type = view.getUint32(at + 4);
    const end = at + 8 + length;
    if (end + 4 > bytes.length) return undefined;
    if (crc32(bytes.subarray(at + 4, end)) !== view.getUint32(end)) return undefined;
    if (type === IDAT) parts.push(bytes.subarray(at + 8, end));
    else if (type === IEND) return parts.length === 1 ? parts[0] : Buffer.concat(parts);
    else if (type !== IHDR && !HARMLESS.has(type)) return undefined;
    at = end + 4;
  }
  return undefined;
}

/** Undoes the filter of each row (None, Sub, Up, Average, Paeth); undefined if one has another. */
function unfilter(
  rows: Uint8Array,
  rowLength: number,
  height: number,
  channels: number,
): Uint8Array | undefined {
  const out = new Uint8Array(rowLength * height);
  // What is above the first row.
  let above: Uint8Array = new Uint8Array(rowLength);
  for (let y = 0; y < height; y++) {
    const from = y * (rowLength + 1) + 1;
    const undo = UNDO[rows[from - 1]!];
    if (!undo) return undefined;
    const row = out.subarray(y * rowLength, (y + 1) * rowLength);
    row.set(rows.subarray(from, from + rowLength));
    undo(row, above, channels);
    above = row;
  }
  return out;
}

/**
 * By the filter's number: each adds its prediction to every byte of a row, in place. A loop each, for a choice
 * within the loop takes longer than the arithmetic. A typed array keeps the low byte, as the specification asks.
 */
const UNDO: ((row: Uint8Array, above: Uint8Array, channels: number) => void)[] = [
  () => {},
  (row, _above, channels) => {
    for (let x = channels; x < row.length; x++) row[x]! += row[x - channels]!;
  },
  (row, above) => {
    for (let x = 0; x < row.length; x++) row[x]! += above[x]!;
  },
  (row, above, channels) => {
    for (let x = 0; x < channels; x++) row[x]! += above[x]! >> 1;
    for (let x = channels; x < row.length; x++) row[x]! += (row[x - channels]! + above[x]!) >> 1;
  },
  (row, above, channels) => {
    // With nothing to the left, above is nearest.
    for (let x = 0; x < channels; x++) row[x]! += above[x]!;
    for (let x = channels; x < row.length; x++) {
      row[x]! += paeth(row[x - channels]!, above[x]!, above[x - channels]!);
    }
  },
];

/** Whichever of the three neighbours is nearest to left + up - upLeft; ties in this order. */
function paeth(left: number, up: number, upLeft: number): number {
  const toLeft = Math.abs(up - upLeft);
  const toUp = Math.abs(left - upLeft);
  const toUpLeft = Math.abs(left + up - 2 * upLeft);
  if (toLeft <= toUp && toLeft <= toUpLeft) return left;
  return toUp <= toUpLeft ? up : upLeft;
}
