import sharp from 'sharp';
import type { PixelImage } from '../preprocess/pixel-image.ts';

// Images are small and several are decoded at a time; threads inside one image only cost.
sharp.concurrency(1);

/**
 * Decodes an image file to its pixels as a browser does: EXIF rotation applied, converted to sRGB, alpha kept,
 * of an animation the first frame. Nothing is cropped or resized: `prepareImage` does that, for every decoder
 * in the same way.
 * @param maxPixels most pixels (width x height) it may have; default: sharp's limit
 * @param seconds what it may take, to a second or two; default: as long as it takes
 * @throws Error from sharp if the bytes are damaged or no image, there are too many pixels ("pixel limit"), or it
 *   took too long ("timeout")
 */
export async function decodeImageFile(
  bytes: Uint8Array,
  maxPixels?: number,
  seconds = Number.POSITIVE_INFINITY,
): Promise<PixelImage> {
  const { data, info } = await sharp(bytes, {
    failOn: 'error',
    ...(maxPixels === undefined ? {} : { limitInputPixels: maxPixels }),
  })
    .autoOrient()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    // In whole seconds; 0 is for ever.
    .timeout({ seconds: seconds <= 3600 ? Math.max(1, Math.ceil(seconds)) : 0 })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels === 3 || channels === 4) return { data, width, height, channels };
  return { data: spreadGrey(data, width * height, channels), width, height, channels: 4 };
}

/** One channel of grey, or grey and alpha, as RGBA. */
function spreadGrey(data: Uint8Array, pixels: number, channels: number): Uint8Array {
  const rgba = new Uint8Array(pixels * 4);
  for (let p = 0; p < pixels; p++) {
    rgba.fill(data[p * channels]!, p * 4, p * 4 + 3);
    rgba[p * 4 + 3] = channels === 2 ? data[p * channels + 1]! : 255;
  }
  return rgba;
}
