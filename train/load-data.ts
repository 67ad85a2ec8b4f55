import { formatPercent } from '../core/cli/format.ts';
import type { ParsedOptions } from '../core/cli/options.ts';
import { ProgressBar } from '../core/cli/progress.ts';
import type { ImageDataset } from '../core/data/dataset.ts';
import {
  DATASET_CHOICES,
  type DatasetChoice,
  describeLocation,
  type LoadDatasetOptions,
  loadDatasetFrom,
  locateDataset,
} from '../core/data/load.ts';
import { UserError } from '../core/errors.ts';

/** The options with which a command line says what to train on. */
export const DATA_CLI_OPTIONS = {
  dataset: { type: 'string', value: 'NAME', help: 'dataset', default: 'auto', choices: DATASET_CHOICES },
  data: {
    type: 'string',
    value: 'DIR',
    help: 'folder or archive of the data; else CIFAR100_DIR, else ./data; an image folder (or .zip) has train/<class>/, test/<class>/ and perhaps val/<class>/, or <class>/ alone',
  },
  'image-size': {
    type: 'integer',
    help: 'height and width that images get; default 32, with --from what the net takes. With --from also what the net sees: images of other datasets than folders are then resized as --enlarge says',
    min: 8,
    max: 512,
  },
  'val-share': {
    type: 'number',
    value: 'SHARE',
    help: 'hold out that share of the training images, e.g. 0.1, drawn by --val-seed, to choose the best epoch on; of an image folder without test images they are those, 0.2 unless given',
    min: 0.001,
    max: 0.9,
  },
  'val-seed': {
    type: 'integer',
    help: 'draws what is held out, so that runs of other --seed have the same images; left out: --seed',
    min: 0,
    max: 2 ** 32 - 1,
  },
  'skip-broken': {
    type: 'boolean',
    help: 'leave out image files that cannot be read, and say so, instead of refusing the folder',
    default: false,
  },
} as const;

/** Of an image folder without test images that share is held out unless the user says another. */
export const TEST_SHARE = 0.2;

type TrainingDataOptions = Omit<LoadDatasetOptions, 'onProgress' | 'onNote'> & {
  dataset: DatasetChoice;
  /** Given: images must be held out, which it draws. */
  valSeed?: number | undefined;
};

/** What the parsed options say of the data, for a run with these settings. */
export function dataOptions(
  options: ParsedOptions<typeof DATA_CLI_OPTIONS>,
  { seed, trainImages }: { seed: number; trainImages?: number | undefined },
): TrainingDataOptions {
  const { dataset, data, imageSize, valShare, valSeed, skipBroken } = options;
  const drawnBy = valSeed ?? seed;
  return {
    valSeed,
    dataset: dataset as DatasetChoice,
    dir: data,
    imageSize,
    skipBroken,
    trainImages,
    ...(valShare === undefined
      ? { heldOutIfNone: { share: TEST_SHARE, seed: drawnBy } }
      : { heldOut: { share: valShare, seed: drawnBy } }),
  };
}

/**
 * Finds the data, says where, and loads it with a bar for image files.
 * @throws UserError if it is missing or damaged
 */
export async function loadTrainingData(
  options: TrainingDataOptions,
  say: (line: string) => void,
  /** What the net sees, which the images of a folder get, and with `all` those of other datasets; default what the options say. */
  seen?: { size: number; all: boolean },
): Promise<ImageDataset> {
  const location = await locateDataset(options);
  say(`data: ${describeLocation(location)}`);
  let bar: ProgressBar | undefined;
  const dataset = await loadDatasetFrom(location, {
    ...options,
    ...(seen && { imageSize: seen.all || location.dataset === 'folder' ? seen.size : undefined }),
    onNote: (line) => say(`data: ${line}`),
    onProgress: (done, total) => {
      bar ??= new ProgressBar({ label: 'decode', total, unit: 'images' });
      bar.update(done);
    },
  }).finally(() => bar?.finish());
  const { heldOut } = dataset.origin ?? {};
  if (options.valSeed !== undefined && !heldOut) {
    throw new UserError('--val-seed draws the images that are held out, and none are; add --val-share SHARE');
  }
  if (heldOut) {
    const [images, as] = dataset.validation
      ? [dataset.validation.count, 'to choose the best epoch on']
      : [dataset.test.count, 'as test images'];
    say(
      `data: held out ${formatPercent(heldOut.share)} of the training images of each class, ${images} in all, ${as} (seed ${heldOut.seed})`,
    );
  }
  return dataset;
}
