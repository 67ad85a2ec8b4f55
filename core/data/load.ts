import { UserError } from '../errors.ts';
import { findCifar100, readCifar100 } from './cifar100.ts';
import type { ImageDataset, SplitName } from './dataset.ts';
import { makeSynthetic } from './synthetic.ts';

export const DATASET_CHOICES = ['auto', 'cifar100', 'synthetic'] as const;
export type DatasetChoice = (typeof DATASET_CHOICES)[number];

/** Where `npm run data` puts the data, from the working directory. */
export const DEFAULT_DATA_DIR = 'data';

export interface LoadDatasetOptions {
  /** Default `auto`: CIFAR-100 where there is one, else `synthetic`. */
  dataset?: DatasetChoice;
  /** `--data`: the folder of the files or its parent. */
  dir?: string | undefined;
  /** The splits to load; the others come back empty. Default both. */
  splits?: readonly SplitName[];
}

/** Which dataset will be loaded, and for files from where and who named that folder. */
export type DatasetLocation =
  | { dataset: 'cifar100'; dir: string; source: '--data' | 'CIFAR100_DIR' | 'default folder' }
  | { dataset: 'synthetic'; source: 'asked for' | 'no data found' };

const HOW_TO_GET_IT = 'give --data DIR, set CIFAR100_DIR or run npm run data';

/**
 * Finds the data in this order: `options.dir` (from `--data`), the environment's CIFAR100_DIR, `./data`, and
 * for `auto` the synthetic dataset. A folder that was named but does not exist is left for
 * {@link loadDataset} to refuse; nothing falls back from it.
 * @throws UserError if `cifar100` is asked for and no folder has it, or if `dir` is given with `synthetic`
 */
export async function locateDataset(options: LoadDatasetOptions = {}): Promise<DatasetLocation> {
  const { dataset = 'auto', dir } = options;
  if (dataset === 'synthetic') {
    if (dir !== undefined) {
      throw new UserError(`--data ${dir} does not go with the synthetic dataset; leave out one of the two`);
    }
    return { dataset, source: 'asked for' };
  }
  if (dir !== undefined) return { dataset: 'cifar100', dir, source: '--data' };
  const fromEnvironment = process.env.CIFAR100_DIR;
  if (fromEnvironment) return { dataset: 'cifar100', dir: fromEnvironment, source: 'CIFAR100_DIR' };
  const found = await findCifar100(DEFAULT_DATA_DIR);
  if (found !== undefined) return { dataset: 'cifar100', dir: found, source: 'default folder' };
  if (dataset === 'cifar100') {
    throw new UserError(`CIFAR-100 is not in ./${DEFAULT_DATA_DIR}; ${HOW_TO_GET_IT}`);
  }
  return { dataset: 'synthetic', source: 'no data found' };
}

/** One line for a command line to print: which dataset is used, and why that one. */
export function describeLocation(location: DatasetLocation): string {
  if (location.dataset === 'cifar100') {
    const by = location.source === 'default folder' ? '' : ` (${location.source})`;
    return `dataset cifar100 from ${location.dir}${by}`;
  }
  if (location.source === 'asked for') return 'dataset synthetic (drawn by code)';
  return `dataset synthetic (drawn by code), for there is no CIFAR-100 here: ${HOW_TO_GET_IT}`;
}

/**
 * Loads a dataset from where {@link locateDataset} finds it.
 * @throws UserError if the data is missing or damaged
 */
export async function loadDataset(options: LoadDatasetOptions = {}): Promise<ImageDataset> {
  return loadDatasetFrom(await locateDataset(options), options.splits);
}

/** Loads what {@link locateDataset} found, for a caller that has printed it. */
export async function loadDatasetFrom(
  location: DatasetLocation,
  splits?: readonly SplitName[],
): Promise<ImageDataset> {
  if (location.dataset === 'synthetic') return makeSynthetic(splits ? { splits } : {});
  try {
    return await readCifar100(location.dir, splits);
  } catch (error) {
    if (!(error instanceof UserError) || location.source === 'default folder') throw error;
    throw new UserError(`${location.source}: ${error.message}`);
  }
}
