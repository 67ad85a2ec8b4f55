import { decodePicture, readPictureFile } from '../../image/picture-file.ts';
import { prepareImage } from '../../preprocess/prepare-image.ts';

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
  const image = await decodePicture(await readPictureFile(path), path);
  const { data: pixels } = prepareImage(image, { width: size, height: size });
  const plane = size * size;
  for (let p = 0; p < plane; p++) {
    for (let c = 0; c < 3; c++) out[c * plane + p] = pixels[p * 3 + c]!;
  }
  return { width: image.width, height: image.height };
}
