import { readdir } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import sharp from 'sharp';
import { errorMessage, oneLine, UserError } from '../errors.ts';
import { readRegularFile } from '../fs/regular-file.ts';
import type { PixelImage } from '../preprocess/pixel-image.ts';
import { decodeBmp } from './bmp.ts';
import { decodeImageFile } from './decode.ts';
import { imageFormat } from './format.ts';
import { decodeSmallPng } from './small-png.ts';

/** libvips reads HEIC only where it was built with a decoder for HEVC, which sharp's own build is without. */
export const READS_HEIC = sharp.format.heif.input.fileSuffix?.includes('.heic') ?? false;
export const HEIC_ADVICE = 'convert HEIC to JPEG, e.g. with heif-convert or magick mogrify -format jpg';

const EXTENSIONS = ['png', 'jpg', 'jpeg', 'jpe', 'jfif', 'webp', 'bmp', 'dib', 'tif', 'tiff', 'gif', 'avif'];
export const HEIC_EXTENSIONS: readonly string[] = ['heic', 'heif', 'hif'];

/** The extensions of files that are taken for pictures, without the dot, in lower case. */
export const PICTURE_EXTENSIONS: ReadonlySet<string> = new Set(
  READS_HEIC ? [...EXTENSIONS, ...HEIC_EXTENSIONS] : EXTENSIONS,
);

/** What is read of the user's own pictures; the server takes fewer from strangers. */
type PictureFormat = 'sharp' | 'tiff' | 'bmp' | 'heic';

/**
 * The pictures in a folder and in all folders below it, by their extensions, in the order of their paths. What
 * begins with a dot is passed over.
 * @returns paths that begin with `folder`, and the other files
 * @throws UserError if the folder cannot be read
 */
export async function picturesBelow(folder: string): Promise<{ pictures: string[]; others: string[] }> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch((error: unknown) => {
    throw new UserError(`cannot read ${folder}: ${errorMessage(error)}`);
  });
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((path) => !/(^|[\\/])\./.test(relative(folder, path)))
    .sort();
  const isPicture = (path: string) => PICTURE_EXTENSIONS.has(extname(path).slice(1).toLowerCase());
  return { pictures: files.filter(isPicture), others: files.filter((path) => !isPicture(path)) };
}

/** @throws UserError naming the file if it cannot be read or is a pipe or a device */
export function readPictureFile(path: string): Promise<Buffer> {
  return readRegularFile(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new UserError(`there is no file ${path}`);
    throw new UserError(`cannot read ${path}: ${errorMessage(error)}; remove or replace it`);
  });
}

/**
 * Decodes a picture of the user's own, as `decodeImageFile` does, by its first bytes: PNG, JPEG, WebP, GIF and AVIF,
 * which the server takes too, and BMP and TIFF. Of an animation or of several pages it is the first.
 * @param source what to call it in an error, e.g. its path
 * @throws UserError if it is no picture, or damaged
 */
export async function decodePicture(bytes: Uint8Array, source: string): Promise<PixelImage> {
  const format = formatOf(bytes);
  if (format === undefined) {
    throw new UserError(
      `${source} is no PNG, JPEG, WebP, BMP, TIFF, GIF or AVIF image; remove or replace it`,
    );
  }
  if (format === 'heic' && !READS_HEIC) {
    throw new UserError(`${source} is HEIC, which is not read here; ${HEIC_ADVICE}`);
  }
  try {
    return await decodeAs(format, bytes);
  } catch (error) {
    const [reason = ''] = errorMessage(error).trim().split('\n');
    throw new UserError(`${source} is damaged (${oneLine(reason)}); remove or replace it`);
  }
}

/** By the first bytes: file names lie. */
function formatOf(bytes: Uint8Array): PictureFormat | undefined {
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

async function decodeAs(format: PictureFormat, bytes: Uint8Array): Promise<PixelImage> {
  if (format === 'bmp') return decodeBmp(bytes);
  if (format === 'tiff') {
    // Of floats or of many bands nobody can know which values are black, white and which colours.
    const { depth, channels = 0 } = await sharp(bytes).metadata();
    if (depth !== 'uchar' && depth !== 'ushort') throw new Error(`a TIFF of ${depth} values is no picture`);
    if (channels > 4) throw new Error(`a TIFF of ${channels} channels is no picture`);
  }
  const small = imageFormat(bytes) === 'png' ? decodeSmallPng(bytes) : undefined;
  return small ?? decodeImageFile(bytes);
}
