import sharp from 'sharp';
import type { ImageDataset, ImageSplit } from '../../core/data/dataset.ts';

/**
 * One image of a split as a PNG file, lossless.
 * @param split images channel-planar, [count, 3, height, width]
 */
export async function encodePng(
  split: ImageSplit,
  index: number,
  { height, width }: Pick<ImageDataset, 'height' | 'width'>,
): Promise<Uint8Array<ArrayBuffer>> {
  const pixels = height * width;
  const planar = split.images.subarray(index * 3 * pixels, (index + 1) * 3 * pixels);
  const interleaved = new Uint8Array(3 * pixels);
  for (let p = 0; p < pixels; p++) {
    for (let c = 0; c < 3; c++) interleaved[p * 3 + c] = planar[c * pixels + p]!;
  }
  // The lightest compression: these files live for one request.
  const png = await sharp(interleaved, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
  return new Uint8Array(png.buffer as ArrayBuffer, png.byteOffset, png.byteLength);
}
