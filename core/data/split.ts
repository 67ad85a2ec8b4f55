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

/** The images of a split at these places, in shared memory of their own. */
export function imagesAt(split: ImageSplit, places: readonly number[]): ImageSplit {
  const bytes = split.count === 0 ? 0 : split.images.length / split.count;
  const images = new Uint8Array(new SharedArrayBuffer(places.length * bytes));
  const labels = new Uint16Array(new SharedArrayBuffer(places.length * Uint16Array.BYTES_PER_ELEMENT));
  for (const [at, from] of places.entries()) {
    images.set(split.images.subarray(from * bytes, (from + 1) * bytes), at * bytes);
    labels[at] = split.labels[from]!;
  }
  return { count: places.length, images, labels };
}

/** The first so many images of a split; all of them where there are fewer. */
export function firstImages(split: ImageSplit, count: number): ImageSplit {
  if (count >= split.count) return split;
  const imageBytes = split.images.length / split.count;
  return {
    count,
    images: split.images.subarray(0, count * imageBytes),
    labels: split.labels.subarray(0, count),
    ...(split.files ? { files: split.files.slice(0, count) } : {}),
  };
}

/** The class's folder and the file of an image, which say enough of its path; undefined if it is of no file. */
export function fileName({ files }: Pick<ImageSplit, 'files'>, index: number): string | undefined {
  return files?.[index]?.file.split(/[\\/]/).slice(-2).join('/');
}
