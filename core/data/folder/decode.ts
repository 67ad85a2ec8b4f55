import { errorMessage, UserError } from '../../errors.ts';
import { readRegularFile } from '../../fs/regular-file.ts';
import { decodeImageFile } from '../../image/decode.ts';
import { type ImageFormat, imageFormat } from '../../image/format.ts';
import { prepareImage } from '../../preprocess/prepare-image.ts';

/** What is meant by a folder of images; the decoder has loaders for more. */
const FORMATS: ReadonlySet<ImageFormat> = new Set(['png', 'jpeg', 'webp']);

/**
 * Decodes an image file to `size` x `size` pixels of 8-bit sRGB just as the server does with what is sent to
 * it: EXIF rotation applied, transparency over white, the centre square taken, resized with an antialiased
 * bilinear filter.
 * @param out 3 * size * size bytes, channel-planar, overwritten
 * @throws UserError naming the file if it cannot be read or is no PNG, JPEG or WebP image
 */
export async function decodeFile(path: string, size: number, out: Uint8Array): Promise<void> {
  const bytes = await readRegularFile(path).catch((error: unknown) => {
    throw new UserError(`cannot read ${path}: ${errorMessage(error)}`);
  });
  const format = imageFormat(bytes);
  if (format === undefined || !FORMATS.has(format)) {
    throw new UserError(`${path} is no PNG, JPEG or WebP image; remove or replace it`);
  }
  const image = await decodeImageFile(bytes).catch((error: unknown) => {
    const [reason] = errorMessage(error).trim().split('\n');
    throw new UserError(`${path} is damaged (${reason}); remove or replace it`);
  });
  const { data: pixels } = prepareImage(image, { width: size, height: size });
  const plane = size * size;
  for (let p = 0; p < plane; p++) {
    for (let c = 0; c < 3; c++) out[c * plane + p] = pixels[p * 3 + c]!;
  }
}
