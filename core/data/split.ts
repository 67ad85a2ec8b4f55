import type { ImageSplit } from './dataset.ts';

/** A split of no images, for one that was not asked for. */
export function emptySplit(): ImageSplit {
  return { count: 0, images: new Uint8Array(0), labels: new Uint16Array(0) };
}
