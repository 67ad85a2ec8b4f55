import { UserError } from '../errors.ts';
import { readCifar } from './cifar/read.ts';
import { CIFAR_SIZE } from './cifar/variant.ts';
import type { ImageDataset, Normalization, SplitName } from './dataset.ts';
import { explainNothingFound, FILE_DATASETS, type FileDataset, type FoundData, findData } from './find.ts';
import { makeSynthetic } from './synthetic.ts';

/** Every dataset by its name in commands, configs and model files. */
export const DATASET_NAMES = [...FILE_DATASETS, 'synthetic'] as const;
export type DatasetName = (typeof DATASET_NAMES)[number];

export const DATASET_CHOICES = ['auto', ...DATASET_NAMES] as const;
export type DatasetChoice = (typeof DATASET_CHOICES)[number];

/** Where `npm run data` puts the data, from the working directory. */
export const DEFAULT_DATA_DIR = 'data';

/** How a dataset is read. */
export interface ReadOptions {
  /** The splits to load; the others come back empty. Default both. */
  splits?: readonly SplitName[] | undefined;
  /** Height and width that the images of a folder are brought to; default 32. */
  imageSize?: number | undefined;
  /** For an image folder: taken instead of measuring it on the training images. */
  normalization?: Normalization | undefined;
  /** Called as image files are decoded. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface LocateOptions {
  /** Default `auto`: what the files are, else `synthetic`. */
  dataset?: DatasetChoice | undefined;
  /** `--data`: a folder of data files or its parent, an image folder, or an archive. */
  dir?: string | undefined;
}

export type LoadDatasetOptions = LocateOptions & ReadOptions;

/** Which dataset will be loaded, and for files from where and who named that place. */
export type DatasetLocation =
  | (FoundData & { source: '--data' | 'CIFAR100_DIR' | 'CIFAR10_DIR' | 'default folder' })
  | { dataset: 'synthetic'; source: 'asked for' | 'no data found' };

const HOW_TO_GET_IT: Record<FileDataset, string> = {
  cifar100: 'give --data DIR, set CIFAR100_DIR or run npm run data',
  cifar10: 'give --data DIR, set CIFAR10_DIR or run npm run data -- --dataset cifar10',
  folder: 'give --data DIR, a folder with train/<class>/ and test/<class>/',
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
  if (dir !== undefined) return { ...(await findNamed(dir, wanted, '--data')), source: '--data' };
  const variable = wanted === 'cifar10' ? 'CIFAR10_DIR' : 'CIFAR100_DIR';
  const fromEnvironment = wanted === 'folder' ? undefined : process.env[variable];
  if (fromEnvironment) {
    const found = await findNamed(fromEnvironment, wanted ?? 'cifar100', variable);
    return { ...found, source: variable };
  }
  const found = await findData(DEFAULT_DATA_DIR, wanted);
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
    return `dataset folder from ${location.path}${by}, test images from ${location.testFolder}/`;
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
  options: ReadOptions = {},
): Promise<ImageDataset> {
  const { splits, imageSize } = options;
  if (location.dataset !== 'folder' && imageSize !== undefined && imageSize !== CIFAR_SIZE) {
    throw new UserError(
      `the images of ${location.dataset} have ${CIFAR_SIZE} x ${CIFAR_SIZE} pixels, not ${imageSize} x ${imageSize}; ` +
        'only those of an image folder can be had in another size',
    );
  }
  if (location.dataset === 'synthetic') return makeSynthetic(splits ? { splits } : {});
  try {
    if (location.dataset !== 'folder') {
      return await readCifar(location.path, location.archive, location.variant, splits);
    }
    // Only here: the decoder is native code, of no use to who reads other data.
    const { readFolder } = await import('./folder/read-folder.ts');
    return await readFolder(location.path, { ...options, testFolder: location.testFolder });
  } catch (error) {
    if (!(error instanceof UserError) || location.source === 'default folder') throw error;
    throw new UserError(`${location.source}: ${error.message}`);
  }
}

async function findNamed(path: string, wanted: FileDataset | undefined, source: string): Promise<FoundData> {
  try {
    const found = await findData(path, wanted);
    if (found) return found;
    throw new UserError(await explainNothingFound(path, wanted));
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${source}: ${error.message}`);
    throw error;
  }
}
