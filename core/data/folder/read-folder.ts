import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { cleanText } from '../../cli/printable.ts';
import { UserError } from '../../errors.ts';
import {
  type ImageDataset,
  type ImageSplit,
  type Normalization,
  SPLIT_NAMES,
  type SplitName,
} from '../dataset.ts';
import { emptySplit } from '../split.ts';
import { decodeFile } from './decode.ts';
import type { TestFolder } from './layout.ts';
import { measureNormalization } from './measure-normalization.ts';
import { checkSameClasses, inTurns, scanSplit } from './scan.ts';

/** Height and width that images get unless told otherwise. */
export const DEFAULT_IMAGE_SIZE = 32;
const MAX_IMAGE_SIZE = 4096;
/** More would only wait for each other: libuv has four threads. */
const MAX_DECODERS = 8;

export interface FolderOptions {
  /** Which folder the test images are in. */
  testFolder: TestFolder;
  /** Height and width that images are brought to; default {@link DEFAULT_IMAGE_SIZE}. */
  imageSize?: number | undefined;
  /** The splits to read; the others come back empty. Default both. */
  splits?: readonly SplitName[] | undefined;
  /** Taken as it is; left out, it is measured on the training images, which are then decoded in any case. */
  normalization?: Normalization | undefined;
  /** Called as images are decoded. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Reads image files, `train/<class>/*` and `test/<class>/*` (png, jpg, jpeg, webp), into shared memory.
 * Classes are the names of the folders in alphabetical order; images come one of each class in turn.
 * @throws UserError if the splits have different classes, a class has no image or a file is not readable
 */
export async function readFolder(root: string, options: FolderOptions): Promise<ImageDataset> {
  const { imageSize = DEFAULT_IMAGE_SIZE, splits = SPLIT_NAMES, testFolder } = options;
  if (!Number.isInteger(imageSize) || imageSize < 1 || imageSize > MAX_IMAGE_SIZE) {
    throw new UserError(`the image size must be from 1 to ${MAX_IMAGE_SIZE} pixels, not ${imageSize}`);
  }
  const folders = { train: join(root, 'train'), test: join(root, testFolder) };
  const classes = { train: await scanSplit(folders.train), test: await scanSplit(folders.test) };
  checkSameClasses([classes.train, folders.train], [classes.test, folders.test]);

  const measured = options.normalization === undefined;
  const needed = SPLIT_NAMES.filter((split) => splits.includes(split) || (split === 'train' && measured));
  const files = { train: inTurns(classes.train), test: inTurns(classes.test) };
  const total = needed.reduce((sum, split) => sum + files[split].length, 0);
  let done = 0;
  const decode = (split: SplitName): Promise<ImageSplit> | ImageSplit =>
    needed.includes(split)
      ? decodeSplit(files[split], imageSize, () => options.onProgress?.(++done, total))
      : emptySplit();
  const train = await decode('train');
  const test = await decode('test');
  return {
    name: 'folder',
    channels: 3,
    height: imageSize,
    width: imageSize,
    // The names of folders, which anybody may have made.
    labels: [...classes.train.keys()].map(cleanText),
    normalization: options.normalization ?? measureNormalization(train.images, imageSize * imageSize),
    train: splits.includes('train') ? train : emptySplit(),
    test,
  };
}

async function decodeSplit(
  files: readonly { file: string; label: number }[],
  size: number,
  onImage: () => void,
): Promise<ImageSplit> {
  const imageBytes = 3 * size * size;
  const images = new Uint8Array(sharedMemory(files.length, imageBytes));
  const labels = new Uint16Array(new SharedArrayBuffer(files.length * Uint16Array.BYTES_PER_ELEMENT));
  let next = 0;
  let failed = false;
  const decodeNext = async (): Promise<void> => {
    // After a failure the others stop as well, instead of decoding on behind the error.
    while (next < files.length && !failed) {
      const index = next++;
      const { file, label } = files[index]!;
      labels[index] = label;
      await decodeFile(file, size, images.subarray(index * imageBytes, (index + 1) * imageBytes));
      onImage();
    }
  };
  const decoders = Math.min(MAX_DECODERS, 2 * availableParallelism());
  try {
    await Promise.all(Array.from({ length: decoders }, decodeNext));
  } catch (error) {
    failed = true;
    throw error;
  }
  return { count: files.length, images, labels };
}

function sharedMemory(count: number, imageBytes: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(count * imageBytes);
  } catch {
    const gigabytes = ((count * imageBytes) / 1e9).toFixed(1);
    throw new UserError(
      `${count} images take ${gigabytes} GB, too much for the memory; take a smaller image size`,
    );
  }
}
