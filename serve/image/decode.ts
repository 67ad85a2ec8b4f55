import { errorMessage } from '../../core/errors.ts';
import { decodeImageFile } from '../../core/image/decode.ts';
import { prepareImage } from '../../core/preprocess/prepare-image.ts';
import { HttpError } from '../http/http-error.ts';
import { FORMAT_NAMES, imageFormat } from './format.ts';

export interface DecodeOptions {
  /** The model's input size. */
  height: number;
  width: number;
  /** Most pixels (width x height) an image may have before it is resized. */
  maxPixels: number;
}

/**
 * Decodes an image to the model's size as 8-bit sRGB, interleaved, [height, width, 3]: the pixels that the
 * page feeds its network too, since both take what `prepareImage` of core/preprocess makes of the decoded
 * picture. An image that already has the model's size is not resampled: lossless formats arrive byte for byte.
 * Of an animation the first frame is taken.
 * @throws HttpError 400 no bytes, 413 too many pixels, 415 not one of the formats, 422 damaged
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions): Promise<Uint8Array> {
  if (bytes.length === 0) throw new HttpError(400, 'the image is empty');
  const format = imageFormat(bytes);
  if (!format) throw new HttpError(415, `not an image in a supported format; send ${FORMAT_NAMES}`);
  const { height, width, maxPixels } = options;
  try {
    return prepareImage(await decodeImageFile(bytes, maxPixels), { width, height }).data as Uint8Array;
  } catch (error) {
    if (/pixel limit/i.test(errorMessage(error))) {
      const megapixels = Number((maxPixels / 1e6).toPrecision(3));
      throw new HttpError(413, `the image has more than ${megapixels} megapixels; send a smaller one`);
    }
    throw new HttpError(422, `the ${format.toUpperCase()} image is damaged or truncated`);
  }
}
