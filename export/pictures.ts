import type { SplitName } from '../core/data/dataset.ts';
import { describeBroken, describeLeftOut } from '../core/data/folder/read-folder.ts';
import { errorMessage, UserError } from '../core/errors.ts';
import { decodePicture, picturesBelow, readPictureFile } from '../core/image/picture-file.ts';
import type { ClassifierMetadata } from '../core/model-metadata.ts';
import { prepareImage } from '../core/preprocess/prepare-image.ts';
import { loadSplit } from './load-split.ts';
import type { ImagePlace } from './options.ts';

/** Images to compare two models on. */
export interface ImageSet {
  /** What they are, as `Agreement.on` has it. */
  on: string;
  count: number;
  /** How many of them there are, where the first ones come again to fill a batch; default all. */
  distinct?: number;
  /** Bytes, [count, 3, height, width]. */
  pixels: Uint8Array;
  /** Class indices, where they are known. */
  labels?: Uint16Array;
}

/**
 * Pictures such as a model of another program is for: those of the dataset that its JSON names, else those of a
 * folder and all below it, evenly picked, prepared as for the model.
 * @param place where they are
 * @returns undefined if there are none
 * @throws UserError if the folder has none, or one is damaged and they are not left out
 */
export async function picturesFor(
  metadata: ClassifierMetadata,
  split: SplitName,
  count: number,
  place: ImagePlace,
): Promise<ImageSet | undefined> {
  const { data, skipBroken = false, onNote } = place;
  const dataset = await loadSplit(metadata, split, place, (total) => evenly(total, count));
  const size = 3 * metadata.inputHeight * metadata.inputWidth;
  if (dataset && dataset.images.length === dataset.count * size) {
    const on = `${split === 'test' ? 'test' : 'training'} images of ${metadata.dataset}`;
    // Memory of its own: onnxruntime takes none that is shared.
    return { on, count: dataset.count, pixels: dataset.images.slice(), labels: dataset.labels.slice() };
  }
  if (data === undefined) return undefined;
  const { pictures: files } = await picturesBelow(data).catch((error: unknown) => {
    throw new UserError(`${errorMessage(error)}; mend --data`);
  });
  if (files.length === 0) {
    throw new UserError(
      `${data} has no pictures (png, jpg, webp, bmp, gif, avif, tif), nor has a folder in it`,
    );
  }
  const chosen = evenly(files.length, count).map((index) => files[index]!);
  const pixels = new Uint8Array(chosen.length * size);
  const broken: string[] = [];
  let read = 0;
  for (const file of chosen) {
    try {
      pixels.set(await planarPixels(file, metadata), read * size);
      read++;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      broken.push(error.message);
    }
  }
  if (broken.length > 0) {
    if (!skipBroken) throw new UserError(describeBroken(broken, chosen.length));
    onNote?.(describeLeftOut(broken, chosen.length));
  }
  if (read === 0) throw new UserError(`no picture of ${data} can be read; mend --data`);
  return { on: 'pictures', count: read, pixels: pixels.subarray(0, read * size) };
}

/** Up to `count` indices from 0 to `total`: files of a folder are by class. */
function evenly(total: number, count: number): number[] {
  const n = Math.min(total, count);
  return Array.from({ length: n }, (_, i) => Math.floor((i * total) / n));
}

async function planarPixels(
  file: string,
  { inputHeight: height, inputWidth: width }: ClassifierMetadata,
): Promise<Uint8Array> {
  const image = await decodePicture(await readPictureFile(file), file);
  const { data } = prepareImage(image, { width, height });
  const plane = height * width;
  const out = new Uint8Array(3 * plane);
  for (let p = 0; p < plane; p++) for (let c = 0; c < 3; c++) out[c * plane + p] = data[p * 3 + c]!;
  return out;
}
