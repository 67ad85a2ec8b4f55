import type { ImageFormat } from '../../core/image/format.ts';

/** Of an animated WebP, say: the decoder's time grows with the square of their number. */
const MAX_CHUNKS = 4096;
/** PNG encoders write chunks of 8 KB as a rule. */
const PNG_CHUNK_BYTES = 1024;

/**
 * Whether a PNG or a WebP is cut into more chunks than any encoder makes of so many bytes: the decoder would walk
 * them for seconds, or minutes. Only so many are looked at. Other formats have none.
 */
export function hasTooManyChunks(bytes: Uint8Array, format: ImageFormat): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let chunks = 0;
  if (format === 'png') {
    const most = MAX_CHUNKS + bytes.length / PNG_CHUNK_BYTES;
    // After the signature: length, type, data, checksum.
    for (let at = 8; at + 8 <= bytes.length; at += 12 + view.getUint32(at)) if (++chunks > most) return true;
  } else if (format === 'webp') {
    // After the RIFF header: type, length, data, a byte more if the length is odd.
    for (let at = 12; at + 8 <= bytes.length; ) {
      if (++chunks > MAX_CHUNKS) return true;
      const length = view.getUint32(at + 4, true);
      at += 8 + length + (length & 1);
    }
  }
  return false;
}
