import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { cleanText } from '../../cli/printable.ts';
import { UserError } from '../../errors.ts';
import { decodePicture } from '../../image/picture-file.ts';
import { prepareImage } from '../../preprocess/prepare-image.ts';
import {
  type HeldOut,
  type ImageDataset,
  type ImageSplit,
  type Normalization,
  SPLIT_NAMES,
  type SplitName,
} from '../dataset.ts';
import { drawHeldOut } from '../hold-out.ts';
import { emptySplit } from '../split.ts';
import { type ImageTree, openTree } from './image-tree.ts';
import type { FolderLayout } from './layout.ts';
import { checkSameClasses, inTurns, refuseOneClass, Skipped, scanSplit } from './scan.ts';

/** Height and width that images get unless told otherwise. */
export const DEFAULT_IMAGE_SIZE = 32;
const MAX_IMAGE_SIZE = 4096;
/** More would only wait for each other: libuv has four threads. */
const MAX_DECODERS = 8;
const MAX_BROKEN_LISTED = 20;

export interface FolderOptions {
  /** The folder, or the archive, that `root` lies in; default `root` itself. */
  path?: string | undefined;
  layout: FolderLayout;
  /** Height and width that images are brought to; default {@link DEFAULT_IMAGE_SIZE}. */
  imageSize?: number | undefined;
  /** The splits to read; the others come back empty. Default all, with the validation images there are. */
  splits?: readonly SplitName[] | undefined;
  /** Taken as it is; left out, it is measured on the training images, which are then decoded in any case. */
  normalization?: Normalization | undefined;
  /** Training images that become validation images, or test images where there are no others. */
  heldOut?: HeldOut | undefined;
  /** Leave out files that cannot be read, and say so, instead of refusing the dataset. */
  skipBroken?: boolean | undefined;
  /** Called as images are decoded. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** Called with a line for each file that is left out. */
  onBroken?: ((line: string) => void) | undefined;
  /** Called with a line about what was left out. */
  onNote?: ((line: string) => void) | undefined;
}

/** An image file and the index of its class. */
interface LabelledFile {
  file: string;
  label: number;
}

type Part = SplitName | 'validation';

/**
 * Reads image files, `train/<class>/*` and so on as the layout says, into shared memory. Classes are the names of
 * the folders in alphabetical order; images come one of each class in turn.
 * @throws UserError if the splits have different classes, a class has no image or a file is not readable
 */
export async function readFolder(root: string, options: FolderOptions): Promise<ImageDataset> {
  const { imageSize = DEFAULT_IMAGE_SIZE } = options;
  if (!Number.isInteger(imageSize) || imageSize < 1 || imageSize > MAX_IMAGE_SIZE) {
    throw new UserError(`the image size must be from 1 to ${MAX_IMAGE_SIZE} pixels, not ${imageSize}`);
  }
  const tree = await openTree(options.path ?? root);
  return readTree(tree, root, options).finally(() => tree.close());
}

async function readTree(tree: ImageTree, root: string, options: FolderOptions): Promise<ImageDataset> {
  const { imageSize = DEFAULT_IMAGE_SIZE, splits = SPLIT_NAMES, onNote } = options;
  const { labels, files } = await listFiles(tree, root, options);
  const measured = options.normalization === undefined;
  const wanted: Part[] = options.splits ? [...splits] : ['train', 'validation', 'test'];
  const needed = (['train', 'validation', 'test'] as const).filter(
    (part) => files[part] && (wanted.includes(part) || (part === 'train' && measured)),
  );
  const total = needed.reduce((sum, part) => sum + files[part]!.length, 0);
  let done = 0;
  const broken: string[] = [];
  const decoded: Partial<Record<Part, ImageSplit>> = {};
  for (const part of needed) {
    const split = await decodeSplit(tree, files[part]!, imageSize, broken, () =>
      options.onProgress?.(++done, total),
    );
    decoded[part] = split;
  }
  if (broken.length > 0) {
    if (!options.skipBroken) throw new UserError(describeBroken(broken, total));
    onNote?.(describeLeftOut(broken, total));
    for (const line of broken) options.onBroken?.(line);
    for (const part of needed) {
      const absent = emptyClass(decoded[part]!, labels);
      if (absent === undefined || part === 'validation') continue;
      const without = `without the images that cannot be read, ${JSON.stringify(absent)} has no ${part} image left`;
      // Held out by chance it may have been those.
      const isDrawn = part === 'test' && options.heldOut !== undefined && decoded.test!.count > 0;
      if (!isDrawn) throw new UserError(`${without}; put some in, or remove the class`);
      onNote?.(
        `${without}: nothing will be known of it; mend the images, or take another --val-seed or --val-share`,
      );
    }
  }
  const { train = emptySplit(), validation, test = emptySplit() } = decoded;
  return {
    name: 'folder',
    channels: 3,
    height: imageSize,
    width: imageSize,
    // The names of folders, which anybody may have made.
    labels: labels.map(cleanText),
    normalization: options.normalization ?? measureNormalization(train.images, imageSize * imageSize),
    train: splits.includes('train') ? train : emptySplit(),
    test,
    ...(validation ? { validation } : {}),
  };
}

/** The files of each part there is, and the names of the classes. */
async function listFiles(
  tree: ImageTree,
  root: string,
  { layout, heldOut, onNote }: FolderOptions,
): Promise<{ labels: string[]; files: Partial<Record<Part, LabelledFile[]>> }> {
  const skipped = new Skipped();
  const train = await scanSplit(tree, join(root, layout.train ?? ''), skipped);
  const files: Partial<Record<Part, LabelledFile[]>> = { train: inTurns(train) };
  for (const part of ['validation', 'test'] as const) {
    if (layout[part] === undefined) continue;
    const folder = join(root, layout[part]);
    const classes = await scanSplit(tree, folder, skipped);
    checkSameClasses([train, join(root, layout.train ?? '')], [classes, folder]);
    files[part] = inTurns(classes);
  }
  refuseOneClass(train, join(root, layout.train ?? ''));
  const line = skipped.describe();
  if (line !== undefined) onNote?.(line);
  if (heldOut) {
    const all = files.train!;
    const drawn = drawHeldOut(
      all.map(({ label }) => label),
      heldOut,
    );
    files.train = all.filter((_, i) => !drawn[i]);
    files[layout.test === undefined ? 'test' : 'validation'] = all.filter((_, i) => drawn[i]);
  }
  return { labels: [...train.keys()], files };
}

/**
 * What to say where files cannot be read, and may not be left out.
 * @param broken a line for each of them
 */
export function describeBroken(broken: readonly string[], total: number): string {
  if (broken.length === 1) return `${broken[0]}, or give --skip-broken to leave it out`;
  return `${broken.length} of ${total} images cannot be read: ${listed(broken)}; mend them, or give --skip-broken to leave them out`;
}

/** What to say where they were left out. */
export function describeLeftOut(broken: readonly string[], total: number): string {
  return `left out ${broken.length} of ${total} images that cannot be read: ${listed(broken)}`;
}

function listed(broken: readonly string[]): string {
  const more = broken.length > MAX_BROKEN_LISTED ? ` and ${broken.length - MAX_BROKEN_LISTED} more` : '';
  // Each says how to mend it; once is enough.
  const reasons = broken
    .slice(0, MAX_BROKEN_LISTED)
    .map((line) => line.replace('; remove or replace it', ''));
  return `${reasons.join(', ')}${more}`;
}

/** The first class without an image. */
function emptyClass(split: ImageSplit, labels: readonly string[]): string | undefined {
  const seen = new Set(split.labels);
  return labels.find((_, label) => !seen.has(label));
}

/** @param broken gets a line for each file that cannot be read; the split is then without it */
async function decodeSplit(
  tree: ImageTree,
  files: readonly LabelledFile[],
  size: number,
  broken: string[],
  onImage: () => void,
): Promise<ImageSplit> {
  const imageBytes = 3 * size * size;
  const images = new Uint8Array(sharedMemory(files.length, imageBytes));
  const labels = new Uint16Array(new SharedArrayBuffer(files.length * Uint16Array.BYTES_PER_ELEMENT));
  const infos: NonNullable<ImageSplit['files']> = [];
  const failures = new Map<number, string>();
  let next = 0;
  const decodeNext = async (): Promise<void> => {
    while (next < files.length) {
      const index = next++;
      const { file, label } = files[index]!;
      labels[index] = label;
      try {
        const image = images.subarray(index * imageBytes, (index + 1) * imageBytes);
        infos[index] = { file, ...(await decodePlanar(await tree.read(file), file, size, image)) };
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        failures.set(index, error.message);
      }
      onImage();
    }
  };
  const decoders = Math.min(MAX_DECODERS, 2 * availableParallelism());
  await Promise.all(Array.from({ length: decoders }, decodeNext));
  if (failures.size === 0) return { count: files.length, images, labels, files: infos };
  for (const index of [...failures.keys()].sort((a, b) => a - b)) broken.push(failures.get(index)!);
  let kept = 0;
  for (let index = 0; index < files.length; index++) {
    if (failures.has(index)) continue;
    images.copyWithin(kept * imageBytes, index * imageBytes, (index + 1) * imageBytes);
    infos[kept] = infos[index]!;
    labels[kept++] = labels[index]!;
  }
  return {
    count: kept,
    images: images.subarray(0, kept * imageBytes),
    labels: labels.subarray(0, kept),
    files: infos.slice(0, kept),
  };
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

/**
 * Decodes an image file to `size` x `size` pixels of 8-bit sRGB just as the server does with what is sent to
 * it: EXIF rotation applied, transparency over white, the centre square taken, resized with an antialiased
 * bilinear filter. Of an animation or of several pages it is the first.
 * @param source what to call it in an error, its path
 * @param out 3 * size * size bytes, channel-planar, overwritten
 * @returns the size of the image in the file, in pixels
 * @throws UserError naming the file if it is no image
 */
export async function decodePlanar(
  bytes: Uint8Array,
  source: string,
  size: number,
  out: Uint8Array,
): Promise<{ width: number; height: number }> {
  const image = await decodePicture(bytes, source);
  const { data: pixels } = prepareImage(image, { width: size, height: size });
  const plane = size * size;
  for (let p = 0; p < plane; p++) {
    for (let c = 0; c < 3; c++) out[c * plane + p] = pixels[p * 3 + c]!;
  }
  return { width: image.width, height: image.height };
}

/** A channel that hardly varies is not blown up to noise: the least deviation is one grey level. */
const MIN_STD = 1 / 255;

/**
 * Mean and standard deviation of all pixels of each channel, scaled to [0, 1] and rounded to six decimals.
 * Sums are of whole numbers, so the order of the images makes no difference.
 * @param images channel-planar, 3 * `plane` bytes an image, one image at least
 */
export function measureNormalization(images: Uint8Array, plane: number): Normalization {
  const counts = [0, 1, 2].map(() => new Float64Array(256));
  for (let start = 0, channel = 0; start < images.length; start += plane, channel = (channel + 1) % 3) {
    const histogram = counts[channel]!;
    for (let at = start; at < start + plane; at++) histogram[images[at]!]! += 1;
  }
  const mean = counts.map((histogram) => moment(histogram, 1));
  const std = counts.map((histogram, c) => {
    const variance = moment(histogram, 2) - mean[c]! ** 2;
    return Math.max(MIN_STD, Math.sqrt(Math.max(0, variance)));
  });
  return { mean: triple(mean), std: triple(std) };
}

function moment(histogram: Float64Array, power: number): number {
  let sum = 0;
  let count = 0;
  for (const [value, times] of histogram.entries()) {
    sum += times * value ** power;
    count += times;
  }
  return sum / count / 255 ** power;
}

function triple(values: readonly number[]): [number, number, number] {
  const [red = 0, green = 0, blue = 0] = values.map((value) => Number(value.toFixed(6)));
  return [red, green, blue];
}
