import type { PixelImage } from './pixel-image.ts';

/** A rectangle of an image, in whole pixels. */
export interface Region {
  left: number;
  top: number;
  width: number;
  height: number;
}

/**
 * The largest region of an aspect ratio (width / height) around the centre, in whole pixels. What does not fit
 * is left out rather than squeezed, which would distort what is in the picture.
 */
export function centreRegion(size: { width: number; height: number }, aspect: number): Region {
  const width = Math.max(1, Math.min(size.width, Math.round(size.height * aspect)));
  const height = Math.max(1, Math.min(size.height, Math.round(size.width / aspect)));
  const left = Math.floor((size.width - width) / 2);
  const top = Math.floor((size.height - height) / 2);
  return { left, top, width, height };
}

/**
 * The pixels of a region; the image itself (not a copy) if the region is all of it.
 * @throws RangeError if the region is not within the image
 */
export function cropImage(image: PixelImage, { left, top, width, height }: Region): PixelImage {
  const whole = [left, top, width, height].every(Number.isInteger);
  if (!whole || left < 0 || top < 0 || width < 1 || height < 1) {
    throw new RangeError(`the region ${width}x${height} at ${left},${top} is not in whole pixels`);
  }
  if (left + width > image.width || top + height > image.height) {
    throw new RangeError(
      `the region ${width}x${height} at ${left},${top} reaches out of ${image.width}x${image.height}`,
    );
  }
  if (width === image.width && height === image.height) return image;
  const { channels } = image;
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * channels;
    data.set(image.data.subarray(from, from + width * channels), y * width * channels);
  }
  return { data, width, height, channels };
}
