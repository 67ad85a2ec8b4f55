import type { ImageDataset, ImageSplit, SplitName } from './dataset.ts';

/** A split of no images, for one that was not asked for. */
export function emptySplit(): ImageSplit {
  return { count: 0, images: new Uint8Array(0), labels: new Uint16Array(0) };
}

/** Reads the splits asked for, one after the other; the others are empty. */
export async function readSplits(
  wanted: readonly SplitName[],
  read: (split: SplitName) => Promise<ImageSplit>,
): Promise<Pick<ImageDataset, SplitName>> {
  const train = wanted.includes('train') ? await read('train') : emptySplit();
  const test = wanted.includes('test') ? await read('test') : emptySplit();
  return { train, test };
}
