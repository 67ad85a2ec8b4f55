import type { Region } from '../../../core/preprocess/region.ts';

/** A region of a picture as a PNG file, which keeps every pixel; transparency is laid over white. */
export async function cutOut(file: Blob, region: Region): Promise<Blob> {
  const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image', premultiplyAlpha: 'none' });
  try {
    const canvas = new OffscreenCanvas(region.width, region.height);
    const context = canvas.getContext('2d');
    if (!context) throw new Error('this browser has no 2D canvas');
    context.fillStyle = '#ffffff';
    context.fillRect(0, 0, region.width, region.height);
    context.drawImage(bitmap, -region.left, -region.top);
    return await canvas.convertToBlob({ type: 'image/png' });
  } finally {
    bitmap.close();
  }
}
