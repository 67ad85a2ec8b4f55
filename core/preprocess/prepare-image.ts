import type { PixelImage } from './pixel-image.ts';
import { centreRegion, cropImage, type Region } from './region.ts';
import { resizeBilinear } from './resize.ts';

/**
 * From a decoded picture to what a network sees, the same code in server, page and dataset reader: a region of
 * it (by default the largest one of the network's aspect ratio around the centre), transparency laid over
 * white, resized with an antialiased bilinear filter. A picture that already has the size is not resampled.
 * @param size the network's input, in pixels
 * @returns RGB of that size
 * @throws RangeError if the region is not within the image
 */
export function prepareImage(
  image: PixelImage,
  size: { width: number; height: number },
  region: Region = centreRegion(image, size.width / size.height),
): PixelImage {
  return resizeBilinear(flattenOverWhite(cropImage(image, region)), size.width, size.height);
}

/**
 * Lays an image over white: RGBA becomes RGB, RGB is given back as it is. `colour * alpha + white * (1 - alpha)`
 * rounded to the nearest integer; with white that is `round(colour * alpha / 255) + 255 - alpha`.
 */
export function flattenOverWhite(image: PixelImage): PixelImage {
  if (image.channels === 3) return image;
  const { data, width, height } = image;
  const pixels = width * height;
  const out = new Uint8Array(pixels * 3);
  for (let p = 0, from = 0, to = 0; p < pixels; p++, from += 4, to += 3) {
    const alpha = data[from + 3]!;
    out[to] = overWhite(data[from]!, alpha);
    out[to + 1] = overWhite(data[from + 1]!, alpha);
    out[to + 2] = overWhite(data[from + 2]!, alpha);
  }
  return { data: out, width, height, channels: 3 };
}

/** A product of bytes over 255 is never half way between two integers, so nearest needs no tie rule. */
function overWhite(color: number, alpha: number): number {
  return Math.floor((color * alpha + 127) / 255) + 255 - alpha;
}
