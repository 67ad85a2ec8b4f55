export type ImageFormat = 'png' | 'jpeg' | 'webp' | 'gif' | 'avif';

/** For error messages. */
export const FORMAT_NAMES = 'PNG, JPEG, WebP, GIF or AVIF';

/**
 * Tells an image's format from its first bytes, whatever the client called it. Bytes of any other kind never
 * reach the decoder, whose loaders for SVG, TIFF and others are more than an open port should offer.
 * @returns undefined if it is none of the formats
 */
export function imageFormat(bytes: Uint8Array): ImageFormat | undefined {
  const ascii = (start: number, end: number): string => String.fromCharCode(...bytes.subarray(start, end));
  if (ascii(0, 8) === '\x89PNG\r\n\x1a\n') return 'png';
  if (ascii(0, 3) === '\xff\xd8\xff') return 'jpeg';
  if (ascii(0, 4) === 'RIFF' && ascii(8, 12) === 'WEBP') return 'webp';
  if (ascii(0, 6) === 'GIF87a' || ascii(0, 6) === 'GIF89a') return 'gif';
  // ISO base media file: a `ftyp` box with the AVIF brand.
  if (ascii(4, 8) === 'ftyp' && ['avif', 'avis'].includes(ascii(8, 12))) return 'avif';
  return undefined;
}
