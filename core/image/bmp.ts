import type { PixelImage } from '../preprocess/pixel-image.ts';

const RGB = 0;
const BITFIELDS = 3;
const ALPHA_BITFIELDS = 6;
/** As sharp's default limit. */
const MAX_PIXELS = 0x3fff * 0x3fff;

/**
 * Decodes a Windows bitmap, which libvips leaves to ImageMagick: 1, 4 or 8 bits with a palette, 16, 24 or 32 bits
 * of colour, from the top or from the bottom. A fourth byte counts as alpha only where the file says so.
 * Layout: https://learn.microsoft.com/en-us/windows/win32/gdi/bitmap-storage
 * @throws Error if it is compressed, truncated or no bitmap
 */
export function decodeBmp(bytes: Uint8Array): PixelImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 26) throw new Error('the bitmap is cut off');
  const headerSize = view.getUint32(14, true);
  const old = headerSize === 12;
  if (!old && (headerSize < 40 || bytes.length < 14 + headerSize)) throw new Error('not a bitmap header');
  const width = old ? view.getUint16(18, true) : view.getInt32(18, true);
  const signedHeight = old ? view.getUint16(20, true) : view.getInt32(22, true);
  const height = Math.abs(signedHeight);
  const bits = view.getUint16(old ? 24 : 28, true);
  const compression = old ? RGB : view.getUint32(30, true);
  if (width < 1 || height < 1) throw new Error(`the bitmap is ${width} x ${height} pixels`);
  if (width * height > MAX_PIXELS) throw new Error('the bitmap exceeds the pixel limit');
  const fields = compression === BITFIELDS || compression === ALPHA_BITFIELDS;
  if (compression !== RGB && !(fields && (bits === 16 || bits === 32))) {
    throw new Error(`a bitmap with compression ${compression} is not read`);
  }
  const stride = Math.ceil((width * bits) / 32) * 4;
  const start = view.getUint32(10, true);
  if (start + stride * height > bytes.length) throw new Error('the bitmap is cut off');

  const colour =
    bits <= 8
      ? paletteReader(bytes, 14 + headerSize, start, old ? 3 : 4, bits)
      : bits === 24
        ? (row: number, x: number) => {
            const at = row + x * 3;
            return [bytes[at + 2]!, bytes[at + 1]!, bytes[at]!, 255] as const;
          }
        : maskReader(view, bits, fields, headerSize);
  const channels = fields && maskAt(view, 3, headerSize, compression) !== 0 ? 4 : 3;
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const row = start + stride * (signedHeight > 0 ? height - 1 - y : y);
    for (let x = 0; x < width; x++) {
      const pixel = colour(row, x);
      for (let c = 0; c < channels; c++) data[(y * width + x) * channels + c] = pixel[c]!;
    }
  }
  return { data, width, height, channels };
}

type ColourReader = (row: number, x: number) => readonly [number, number, number, number];

function paletteReader(
  bytes: Uint8Array,
  from: number,
  to: number,
  entry: 3 | 4,
  bits: number,
): ColourReader {
  if (bits !== 1 && bits !== 4 && bits !== 8) throw new Error(`a bitmap of ${bits} bits is not read`);
  const colours = Math.floor((to - from) / entry);
  return (row, x) => {
    const shift = 8 - bits - ((x * bits) % 8);
    const index = (bytes[row + Math.floor((x * bits) / 8)]! >> shift) & ((1 << bits) - 1);
    if (index >= colours) throw new Error(`the bitmap has no colour ${index} in its palette`);
    const at = from + index * entry;
    return [bytes[at + 2]!, bytes[at + 1]!, bytes[at]!, 255];
  };
}

/** The bits of red, green, blue or alpha; those of alpha are 0 where there is none. */
function maskAt(view: DataView, channel: number, headerSize: number, compression: number): number {
  const inHeader = headerSize >= 56 || (channel < 3 && headerSize >= 52);
  if (channel === 3 && !inHeader && compression !== ALPHA_BITFIELDS) return 0;
  // In the header itself or right behind it: the same place.
  return view.getUint32(54 + channel * 4, true);
}

function maskReader(view: DataView, bits: number, fields: boolean, headerSize: number): ColourReader {
  if (bits !== 16 && bits !== 32) throw new Error(`a bitmap of ${bits} bits is not read`);
  const compression = view.getUint32(30, true);
  const defaults = bits === 16 ? [0x7c00, 0x3e0, 0x1f, 0] : [0xff0000, 0xff00, 0xff, 0];
  const channels = defaults.map((mask, c) =>
    channelOf(fields ? maskAt(view, c, headerSize, compression) : mask),
  );
  return (row, x) => {
    const value = bits === 16 ? view.getUint16(row + x * 2, true) : view.getUint32(row + x * 4, true);
    const of = (c: number) => {
      const { mask, shift, most } = channels[c]!;
      return most === 0 ? 255 : Math.round((((value & mask) >>> shift) * 255) / most);
    };
    return [of(0), of(1), of(2), of(3)];
  };
}

function channelOf(mask: number): { mask: number; shift: number; most: number } {
  const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
  return { mask, shift, most: mask >>> shift };
}
