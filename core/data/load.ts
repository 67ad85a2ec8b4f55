import { totalmem } from 'node:os';
import { resolve } from 'node:path';
import { UserError } from '../errors.ts';
import { PlanarResizer } from '../preprocess/planar-resizer.ts';
import { readCifar } from './cifar/read.ts';
import { CIFAR_SIZE } from './cifar/variant.ts';
import type { DataOrigin, HeldOut, ImageDataset, ImageSplit, Normalization, SplitName } from './dataset.ts';
import {
  explainNothingFound,
  FILE_DATASETS,
  type FileDataset,
  type FindOptions,
  type FoundData,
  findData,
} from './find.ts';
import { holdOutValidation } from './hold-out.ts';
import { checkHeldOut, type DataRecord } from './run-record.ts';
import { emptySplit, imagesAt } from './split.ts';
import { makeSynthetic, SYNTHETIC_TRAIN } from './synthetic.ts';

/** Every dataset by its name in commands, configs and model files. */
export const DATASET_NAMES = [...FILE_DATASETS, 'synthetic'] as const;
export type DatasetName = (typeof DATASET_NAMES)[number];

export const DATASET_CHOICES = ['auto', ...DATASET_NAMES] as const;
export type DatasetChoice = (typeof DATASET_CHOICES)[number];

/** Where `npm run data` puts the data, from the working directory. */
export const DEFAULT_DATA_DIR = 'data';

/** How a dataset is read. */
export interface ReadOptions {
  /** The splits to load; the others come back empty. Default all, with the validation images there are. */
  splits?: readonly SplitName[] | undefined;
  /** Height and width that images are brought to; default 32, which those of CIFAR and `synthetic` have. */
  imageSize?: number | undefined;
  /** For an image folder: taken instead of measuring it on the training images. */
  normalization?: Normalization | undefined;
  /**
   * Training images that become validation images, which choose the best epoch; of an image folder without test
   * images they become those.
   */
  heldOut?: HeldOut | undefined;
  /** What becomes the test images of an image folder that has none, without `heldOut`. */
  heldOutIfNone?: HeldOut | undefined;
  /** No more than the first so many training images are needed: `synthetic` draws no others. */
  trainImages?: number | undefined;
  /**
   * Chooses of the `total` images of a split those that are wanted, by their indices; `synthetic` draws no others, and
   * others are not resized. Default all.
   */
  pick?: ((total: number) => readonly number[]) | undefined;
  /** For an image folder that has `val/` beside `test/`: false to pass over it. Default true. */
  validation?: boolean | undefined;
  /** For an image folder: leave out files that cannot be read, instead of refusing it. */
  skipBroken?: boolean | undefined;
  /** Called as image files are decoded. */
  onProgress?: ((done: number, total: number) => void) | undefined;
  /** Called with a line for each file that `skipBroken` leaves out. */
  onBroken?: ((line: string) => void) | undefined;
  /** Called with a line about files that are not read. */
  onNote?: ((line: string) => void) | undefined;
}

export interface LocateOptions {
  /** Default `auto`: what the files are, else `synthetic`. */
  dataset?: DatasetChoice | undefined;
  /** `--data`: a folder of data files or its parent, an image folder, or an archive. */
  dir?: string | undefined;
  /** As {@link ReadOptions}: with it, an image folder needs no test images. */
  heldOut?: HeldOut | undefined;
  /** As {@link ReadOptions}; the same. */
  heldOutIfNone?: HeldOut | undefined;
  /** An image folder needs no test images in any case; without held-out ones that split is then empty. */
  trainOnly?: boolean | undefined;
}

export type LoadDatasetOptions = LocateOptions & ReadOptions;

/** Which dataset will be loaded, and for files from where and who named that place. */
export type DatasetLocation =
  | (FoundData & { source: '--data' | 'CIFAR100_DIR' | 'CIFAR10_DIR' | 'default folder' })
  | { dataset: 'synthetic'; source: 'asked for' | 'no data found' };

const HOW_TO_GET_IT: Record<FileDataset, string> = {
  cifar100: 'give --data DIR, set CIFAR100_DIR or run npm run data',
  cifar10: 'give --data DIR, set CIFAR10_DIR or run npm run data -- --dataset cifar10',
  folder: 'give --data DIR, a folder or .zip with train/<class>/ and test/<class>/ (or val/, valid/)',
};

/**
 * Finds the data in this order: `options.dir` (from `--data`), the environment's CIFAR100_DIR (or
 * CIFAR10_DIR where CIFAR-10 is asked for), `./data`, and for `auto` the synthetic dataset. Nothing falls
 * back from a folder that was named.
 * @throws UserError if that folder has no dataset or another one, if a dataset of files is asked for and is
 *   nowhere, or if `dir` is given with `synthetic`
 */
export async function locateDataset(options: LocateOptions = {}): Promise<DatasetLocation> {
  const { dataset = 'auto', dir } = options;
  if (dataset === 'synthetic') {
    if (dir !== undefined) {
      throw new UserError(`--data ${dir} does not go with the synthetic dataset; leave out one of the two`);
    }
    return { dataset, source: 'asked for' };
  }
  const wanted = dataset === 'auto' ? undefined : dataset;
  const holdsOut = (options.heldOut ?? options.heldOutIfNone) !== undefined || options.trainOnly === true;
  if (dir !== undefined) {
    return { ...(await findNamed(dir, { wanted, holdsOut }, '--data')), source: '--data' };
  }
  const variable = wanted === 'cifar10' ? 'CIFAR10_DIR' : 'CIFAR100_DIR';
  const fromEnvironment = wanted === 'folder' ? undefined : process.env[variable];
  if (fromEnvironment) {
    const found = await findNamed(fromEnvironment, { wanted: wanted ?? 'cifar100' }, variable);
    return { ...found, source: variable };
  }
  const found = await findData(DEFAULT_DATA_DIR, { wanted, holdsOut });
  if (found) return { ...found, source: 'default folder' };
  if (wanted === undefined) return { dataset: 'synthetic', source: 'no data found' };
  const what = {
    cifar100: 'CIFAR-100 is not',
    cifar10: 'CIFAR-10 is not',
    folder: 'there is no image folder',
  };
  throw new UserError(`${what[wanted]} in ./${DEFAULT_DATA_DIR}; ${HOW_TO_GET_IT[wanted]}`);
}

/** One line for a command line to print: which dataset is used, and why that one. */
export function describeLocation(location: DatasetLocation): string {
  if (location.dataset === 'synthetic') {
    if (location.source === 'asked for') return 'dataset synthetic (drawn by code)';
    return `dataset synthetic (drawn by code), for there is no CIFAR-100 here: ${HOW_TO_GET_IT.cifar100}`;
  }
  const by = location.source === 'default folder' ? '' : ` (${location.source})`;
  if (location.dataset === 'folder') {
    const { train, validation, test } = location.layout;
    const parts = [
      ...(test === undefined ? [] : [`test images from ${test}/`]),
      ...(validation === undefined ? [] : [`the best epoch chosen on ${validation}/`]),
      ...(train === undefined ? ['no train/ or test/'] : []),
    ];
    return [`dataset folder from ${location.path}${by}`, ...parts].join(', ');
  }
  const version = location.variant.layout === 'python' ? ', Python version,' : '';
  return `dataset ${location.dataset}${version} from ${location.path}${by}`;
}

/**
 * Loads a dataset from where {@link locateDataset} finds it.
 * @throws UserError if the data is missing or damaged
 */
export async function loadDataset(options: LoadDatasetOptions = {}): Promise<ImageDataset> {
  return loadDatasetFrom(await locateDataset(options), options);
}

/** Loads what {@link locateDataset} found, for a caller that has printed it. */
export async function loadDatasetFrom(
  location: DatasetLocation,
  given: ReadOptions = {},
): Promise<ImageDataset> {
  const lacksTest = location.dataset === 'folder' && location.layout.test === undefined;
  const options = { ...given, heldOut: given.heldOut ?? (lacksTest ? given.heldOutIfNone : undefined) };
  const { imageSize = CIFAR_SIZE } = options;
  const dataset = picked(await readLocated(location, options), location, options);
  const sized = location.dataset === 'folder' ? dataset : resized(dataset, imageSize);
  return { ...sized, origin: originOf(location, options, dataset) };
}

/** The images that are wanted of those that were read; `synthetic` has drawn no others, unless some were held out. */
function picked(
  dataset: ImageDataset,
  location: DatasetLocation,
  { pick, heldOut }: ReadOptions,
): ImageDataset {
  if (!pick || (location.dataset === 'synthetic' && !heldOut)) return dataset;
  const of = (split: ImageSplit): ImageSplit => imagesAt(split, pick(split.count));
  const { train, test, validation } = dataset;
  return { ...dataset, train: of(train), test: of(test), ...(validation && { validation: of(validation) }) };
}

/**
 * Loads the test images of what {@link locateDataset} found with `trainOnly`. Of an image folder of classes alone all
 * images are test images; of the one that the model was trained on only those that were held out.
 * @param record what the model's config says of its data
 * @throws UserError as {@link loadDataset}, if a folder has training images alone, or the model's own has changed
 */
export async function loadTestImages(
  location: DatasetLocation,
  { record, ...options }: ReadOptions & { splits: readonly SplitName[]; record?: DataRecord | undefined },
): Promise<ImageDataset> {
  // What was held out, as test or as validation images, was not trained on.
  const heldOut = options.splits.includes('train') ? record?.heldOut : undefined;
  if (location.dataset !== 'folder' || location.layout.test !== undefined)
    return loadDatasetFrom(location, { ...options, heldOut });
  const own = record && (await loadHeldOut(location, record, options));
  if (own) {
    options.onNote?.(
      `the ${own.test.count} images of ${location.path} that were held out of training are the test images`,
    );
    return own;
  }
  const { train: folder } = location.layout;
  if (folder !== undefined) {
    throw new UserError(
      `${location.path} has ${folder}/ and no test images (test/ or val/); give the folder of the classes to test on`,
    );
  }
  const { train, ...rest } = await loadDatasetFrom(location, { ...options, splits: ['train'] });
  options.onNote?.(
    `no train/ or test/ in ${location.path}: all ${train.count} images are test images` +
      (record?.heldOut
        ? '; it is not the folder that the model was trained on, but any pictures of that in it count too'
        : ''),
  );
  return { ...rest, train: emptySplit(), test: train };
}

/** The images of a folder that a training held out to test on; undefined if the folder is not the one it was of. */
async function loadHeldOut(
  location: DatasetLocation & { dataset: 'folder' },
  record: DataRecord,
  options: ReadOptions,
): Promise<ImageDataset | undefined> {
  const { heldOut } = record;
  if (!heldOut || record.validation !== undefined) return undefined;
  const isNamed = record.path !== undefined && resolve(location.path) === record.path;
  try {
    const dataset = await loadDatasetFrom(location, { ...options, heldOut });
    checkHeldOut(record, 'test', dataset.test);
    return dataset;
  } catch (error) {
    // Another folder may have too few images to hold any out, and has others in any case.
    if (isNamed || !(error instanceof UserError)) throw error;
    return undefined;
  }
}

/** What the images may take of the machine's memory. */
const SHARE_OF_MEMORY = 1 / 4;

/**
 * All images of a dataset in another size, bilinear as the server resizes what it is sent.
 * @throws UserError if they would not fit into memory
 */
function resized(dataset: ImageDataset, size: number): ImageDataset {
  const { name, height, width, channels, train, test, validation } = dataset;
  if (height === size && width === size) return dataset;
  const length = channels * size * size;
  const bytes = length * (train.count + test.count + (validation?.count ?? 0));
  if (bytes > SHARE_OF_MEMORY * totalmem()) {
    throw new UserError(
      `the images of ${name} take ${(bytes / 1e9).toFixed(1)} GB at ${size} x ${size} pixels, more than a quarter of the memory; take a smaller size, or with --from --enlarge graph`,
    );
  }
  const resizer = new PlanarResizer({ height, width }, { height: size, width: size });
  const given = channels * height * width;
  const resize = (split: ImageSplit): ImageSplit => {
    const images = new Uint8Array(new SharedArrayBuffer(split.count * length));
    for (let i = 0; i < split.count; i++)
      images.set(resizer.resize(split.images.subarray(i * given, (i + 1) * given)), i * length);
    return { ...split, images };
  };
  return {
    ...dataset,
    ...{ height: size, width: size, train: resize(train), test: resize(test) },
    ...(validation && { validation: resize(validation) }),
  };
}

async function readLocated(location: DatasetLocation, options: ReadOptions): Promise<ImageDataset> {
  const { splits, heldOut, pick } = options;
  if (location.dataset === 'synthetic') {
    const { trainImages = SYNTHETIC_TRAIN } = options;
    // Held-out images are drawn from all.
    const train = heldOut ? SYNTHETIC_TRAIN : Math.min(trainImages, SYNTHETIC_TRAIN);
    return withHeldOut(
      makeSynthetic({ train, ...(splits && { splits }), ...(!heldOut && { pick }) }),
      options,
    );
  }
  try {
    if (location.dataset !== 'folder') {
      const { path, archive, variant } = location;
      return withHeldOut(await readCifar(path, archive, variant, splits), options);
    }
    const { validation, ...layout } = location.layout;
    if (validation !== undefined && heldOut) {
      throw new UserError(
        `${location.path} has ${validation}/ to choose the best epoch on; leave out --val-share`,
      );
    }
    // Only here: the decoder is native code, of no use to who reads other data.
    const { readFolder } = await import('./folder/read-folder.ts');
    return await readFolder(location.root, {
      ...options,
      path: location.path,
      layout: options.validation === false ? layout : location.layout,
    });
  } catch (error) {
    if (!(error instanceof UserError) || location.source === 'default folder') throw error;
    throw new UserError(`${location.source}: ${error.message}`);
  }
}

function withHeldOut(dataset: ImageDataset, { splits, heldOut }: ReadOptions): ImageDataset {
  if (!heldOut || (splits && !splits.includes('train'))) return dataset;
  const { validation, ...rest } = holdOutValidation(dataset, heldOut);
  return splits || !validation ? rest : { ...rest, validation };
}

function originOf(location: DatasetLocation, options: ReadOptions, dataset: ImageDataset): DataOrigin {
  const { heldOut, skipBroken } = options;
  return {
    ...('path' in location ? { path: resolve(location.path) } : {}),
    ...(dataset.validation ? { validation: heldOut ? 'held out' : 'folder' } : {}),
    ...(heldOut ? { heldOut } : {}),
    ...(skipBroken && location.dataset === 'folder' ? { skipBroken } : {}),
  };
}

async function findNamed(path: string, options: FindOptions, source: string): Promise<FoundData> {
  try {
    const found = await findData(path, options);
    if (found) return found;
    throw new UserError(await explainNothingFound(path, options));
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${source}: ${error.message}`);
    throw error;
  }
}
