import sharp from 'sharp';
import { errorMessage } from '../../core/errors.ts';
import { HttpError } from '../http/http-error.ts';
import { FORMAT_NAMES, imageFormat } from './format.ts';

// Images are small and several are decoded at a time; threads inside one image only cost.
sharp.concurrency(1);

export interface DecodeOptions {
  /** The model's input size. */
  height: number;
  width: number;
  /** Most pixels (width x height) an image may have before it is resized. */
  maxPixels: number;
}

/**
 * Decodes an image to the model's size as 8-bit sRGB, interleaved, [height, width, 3].
 * EXIF rotation is applied and transparency is laid over white. Of another aspect ratio the centre is taken
 * (squeezing would distort the object), then it is resized with an antialiased bilinear filter, within a
 * rounding error of `resizeBilinear` in core/preprocess, but in native code. An image that already has the
 * model's size is not resampled: lossless formats arrive byte for byte. Of an animation the first frame is
 * taken.
 * @throws HttpError 400 no bytes, 413 too many pixels, 415 not one of the formats, 422 damaged
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions): Promise<Uint8Array> {
  if (bytes.length === 0) throw new HttpError(400, 'the image is empty');
  const format = imageFormat(bytes);
  if (!format) throw new HttpError(415, `not an image in a supported format; send ${FORMAT_NAMES}`);
  const { height, width, maxPixels } = options;
  try {
    const image = sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error' }).autoOrient();
    const { autoOrient: size } = await image.metadata();
    const region = centreRegion(size, width / height);
    // Cropped before it is resized: sharp's own `cover` crops afterwards, to whole pixels of the small image.
    if (region.width !== size.width || region.height !== size.height) image.extract(region);
    const { data, info } = await image
      .flatten({ background: '#ffffff' })
      .resize({ width, height, fit: 'fill', kernel: 'linear' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`decoded to ${info.channels} channels`);
    return data;
  } catch (error) {
    if (/pixel limit/i.test(errorMessage(error))) {
      const megapixels = Number((maxPixels / 1e6).toPrecision(3));
      throw new HttpError(413, `the image has more than ${megapixels} megapixels; send a smaller one`);
    }
    throw new HttpError(422, `the ${format.toUpperCase()} image is damaged or truncated`);
  }
}

/** The largest region of an aspect ratio (width / height) around the centre, in whole pixels. */
function centreRegion(
  size: { width: number; height: number },
  aspect: number,
): { left: number; top: number; width: number; height: number } {
  const width = Math.max(1, Math.min(size.width, Math.round(size.height * aspect)));
  const height = Math.max(1, Math.min(size.height, Math.round(size.width / aspect)));
  const left = Math.floor((size.width - width) / 2);
  const top = Math.floor((size.height - height) / 2);
  return { left, top, width, height };
}
