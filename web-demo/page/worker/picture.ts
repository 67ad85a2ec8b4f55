import { UserError } from '../../../core/errors.ts';
import type { PixelImage } from '../../../core/preprocess/pixel-image.ts';

/** As on the server: above this, decoding would take more memory than a tab has. */
const MAX_PIXELS = 50_000_000;

/**
 * Decodes a picture, or takes what is shown: EXIF orientation applied, converted to sRGB, transparency laid over white. Colours are
 * read without alpha multiplied in beforehand, which would round them twice: so the bytes are those that the
 * server gets from sharp and `flattenOverWhite`.
 * @returns RGBA with nothing transparent in it
 * @throws UserError if it is no picture the browser reads, or too large
 */
export async function decodePicture(file: ImageBitmapSource): Promise<PixelImage> {
  const name = file instanceof File ? `"${file.name}"` : 'What you gave';
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: 'from-image', premultiplyAlpha: 'none' });
  } catch {
    throw new UserError(`${name} is not a picture this browser can read; use a PNG, JPEG, WebP or GIF file.`);
  }
  try {
    const { width, height } = bitmap;
    if (width * height > MAX_PIXELS) {
      throw new UserError(
        `${name} is ${width}×${height}, more than ${MAX_PIXELS / 1e6} megapixels; scale it down first.`,
      );
    }
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (!context) throw new UserError(`${name} does not fit in this browser's memory; scale it down first.`);
    context.fillStyle = '#ffffff';
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, 0);
    return { width, height, data: context.getImageData(0, 0, width, height).data, channels: 4 };
  } finally {
    bitmap.close();
  }
}

/** An RGB image as opaque RGBA, for a canvas. */
export function rgbaOf({ data, width, height }: PixelImage): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray(width * height * 4);
  for (let p = 0; p < width * height; p++) {
    for (let c = 0; c < 3; c++) out[p * 4 + c] = data[p * 3 + c]!;
    out[p * 4 + 3] = 255;
  }
  return out;
}
