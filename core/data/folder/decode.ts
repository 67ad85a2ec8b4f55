import sharp from 'sharp';
import { errorMessage, oneLine, UserError } from '../../errors.ts';
import { readRegularFile } from '../../fs/regular-file.ts';
import { decodeBmp } from '../../image/bmp.ts';
import { decodeImageFile } from '../../image/decode.ts';
import { imageFormat } from '../../image/format.ts';
import type { PixelImage } from '../../preprocess/pixel-image.ts';
import { prepareImage } from '../../preprocess/prepare-image.ts';

/** libvips reads HEIC only where it was built with a decoder for HEVC, which sharp's own build is without. */
export const READS_HEIC = sharp.format.heif.input.fileSuffix?.includes('.heic') ?? false;
export const HEIC_ADVICE = 'convert HEIC to JPEG, e.g. with heif-convert or magick mogrify -format jpg';

/** What is read from a folder, whose images are the user's own; the server takes fewer from strangers. */
type FolderFormat = 'sharp' | 'tiff' | 'bmp' | 'heic';

/**
 * Decodes an image file to `size` x `size` pixels of 8-bit sRGB just as the server does with what is sent to
 * it: EXIF rotation applied, transparency over white, the centre square taken, resized with an antialiased
 * bilinear filter. Of an animation or of several pages it is the first.
 * @param out 3 * size * size bytes, channel-planar, overwritten
 * @returns the size of the image in the file, in pixels
 * @throws UserError naming the file if it cannot be read or is no image
 */
export async function decodeFile(
  path: string,
  size: number,
  out: Uint8Array,
): Promise<{ width: number; height: number }> {
  const bytes = await readRegularFile(path).catch((error: unknown) => {
    throw new UserError(`cannot read ${path}: ${errorMessage(error)}; remove or replace it`);
  });
  const format = formatOf(bytes);
  if (format === undefined) {
    throw new UserError(`${path} is no PNG, JPEG, WebP, BMP, TIFF, GIF or AVIF image; remove or replace it`);
  }
  if (format === 'heic' && !READS_HEIC)
    throw new UserError(`${path} is HEIC, which is not read here; ${HEIC_ADVICE}`);
  const image = await decodeAs(format, bytes).catch((error: unknown) => {
    const [reason = ''] = errorMessage(error).trim().split('\n');
    throw new UserError(`${path} is damaged (${oneLine(reason)}); remove or replace it`);
  });
  const { data: pixels } = prepareImage(image, { width: size, height: size });
  const plane = size * size;
  for (let p = 0; p < plane; p++) {
    for (let c = 0; c < 3; c++) out[c * plane + p] = pixels[p * 3 + c]!;
  }
  return { width: image.width, height: image.height };
}

/** By the first bytes: file names lie. */
function formatOf(bytes: Uint8Array): FolderFormat | undefined {
  if (imageFormat(bytes) !== undefined) return 'sharp';
  const ascii = (start: number, end: number): string => String.fromCharCode(...bytes.subarray(start, end));
  if (ascii(0, 2) === 'BM') return 'bmp';
  // The last two are of BigTIFF.
  if (['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].includes(ascii(0, 4))) return 'tiff';
  if (ascii(4, 8) !== 'ftyp') return undefined;
  // An ISO media file whose general brand leaves open what is in it: its others say so.
  const brands = ascii(8, Math.min(bytes.length, 64));
  if (/avif|avis/.test(brands)) return 'sharp';
  return /hei[cxms]|hev[cxms]|mif1|msf1/.test(brands) ? 'heic' : undefined;
}

async function decodeAs(format: FolderFormat, bytes: Uint8Array): Promise<PixelImage> {
  if (format === 'bmp') return decodeBmp(bytes);
  if (format === 'tiff') {
    // Of floats or of many bands nobody can know which values are black, white and which colours.
    const { depth, channels = 0 } = await sharp(bytes).metadata();
    if (depth !== 'uchar' && depth !== 'ushort') throw new Error(`a TIFF of ${depth} values is no picture`);
    if (channels > 4) throw new Error(`a TIFF of ${channels} channels is no picture`);
  }
  return decodeImageFile(bytes);
}
