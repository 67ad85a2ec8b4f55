import { flattenOverWhite } from './flatten.ts';
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
