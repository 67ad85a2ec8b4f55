import sharp from 'sharp';
import { errorMessage } from '../../core/errors.ts';
import { decodeImageFile } from '../../core/image/decode.ts';
import { FORMAT_NAMES, type ImageFormat, imageFormat } from '../../core/image/format.ts';
import { prepareImage } from '../../core/preprocess/prepare-image.ts';
import { HttpError } from '../http/http-error.ts';
import { QuestionThread } from '../threads/question-thread.ts';
import { decodeSmallPng } from './small-png.ts';

export interface DecodeOptions {
  /** The model's input size. */
  height: number;
  width: number;
  /** Most pixels (width x height) an image may have before it is resized. */
  maxPixels: number;
}

/** Up to here it is resized in a few milliseconds. */
const LARGE_PIXELS = 256 * 256;

/** To the thread that decodes large images. */
export interface DecodeQuestion {
  bytes: Uint8Array;
  options: DecodeOptions;
}

const largeImages = new QuestionThread<DecodeQuestion, Uint8Array>({
  module: new URL('./decode-worker.ts', import.meta.url),
  name: 'decode',
  work: 'decoding large images',
});

/**
 * Decodes an image to the model's size as 8-bit sRGB, interleaved, [height, width, 3]: the pixels that the
 * page feeds its network too, since both take what `prepareImage` of core/preprocess makes of the decoded
 * picture. An image that already has the model's size is not resampled: lossless formats arrive byte for byte.
 * Of an animation the first frame is taken. Large images are decoded in a thread of their own.
 * @throws HttpError 400 no bytes, 413 too many pixels, 415 not one of the formats, 422 damaged, 503 overload
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions): Promise<Uint8Array> {
  const format = knownFormat(bytes);
  const small = format === 'png' ? decodeSmallPng(bytes) : undefined;
  if (small) return prepareImage(small, options).data as Uint8Array;
  const { width, height } = await refuseAs(format, options, () => sharp(bytes).metadata());
  if (width * height > options.maxPixels) throw tooManyPixels(options.maxPixels);
  return width * height > LARGE_PIXELS ? largeImages.ask({ bytes, options }) : decodeHere(bytes, options);
}

/** {@link decodeImage} in this thread, whatever the image's size. */
export async function decodeHere(bytes: Uint8Array, options: DecodeOptions): Promise<Uint8Array> {
  const format = knownFormat(bytes);
  const decoded = await refuseAs(format, options, () => decodeImageFile(bytes, options.maxPixels));
  return prepareImage(decoded, options).data as Uint8Array;
}

function knownFormat(bytes: Uint8Array): ImageFormat {
  if (bytes.length === 0) throw new HttpError(400, 'the image is empty');
  const format = imageFormat(bytes);
  if (!format) throw new HttpError(415, `not an image in a supported format; send ${FORMAT_NAMES}`);
  return format;
}

/** Turns the decoder's errors into refusals. */
async function refuseAs<T>(
  format: ImageFormat,
  { maxPixels }: DecodeOptions,
  decode: () => Promise<T>,
): Promise<T> {
  try {
    return await decode();
  } catch (error) {
    if (/pixel limit/i.test(errorMessage(error))) throw tooManyPixels(maxPixels);
    throw new HttpError(422, `the ${format.toUpperCase()} image is damaged or truncated`);
  }
}

function tooManyPixels(maxPixels: number): HttpError {
  const megapixels = Number((maxPixels / 1e6).toPrecision(3));
  return new HttpError(413, `the image has more than ${megapixels} megapixels; send a smaller one`);
}
