import type { ImageSplit, SplitName } from '../core/data/dataset.ts';
import { DATASET_NAMES, type DatasetName, loadDataset } from '../core/data/load.ts';
import { readDatasetRecord, rereadOptions } from '../core/data/run-record.ts';
import { UserError } from '../core/errors.ts';
import type { ClassifierMetadata } from '../core/model-metadata.ts';
import type { ImagePlace } from './options.ts';

/** Whether a dataset is one of those that are read here. */
export function isKnownDataset(name: string): name is DatasetName {
  return DATASET_NAMES.some((known) => known === name);
}

/**
 * The images of the dataset a model was trained on.
 * @param place where it is, if not in a default place
 * @param pick chooses of the `total` images there are those that are wanted, by their indices; default all
 * @returns undefined if it is not found, or is none that can be read
 * @throws UserError if it is not in the place that was named, or is damaged or of other classes
 */
export async function loadSplit(
  metadata: ClassifierMetadata,
  split: SplitName,
  { data, recorded: before, skipBroken = false, onNote }: ImagePlace = {},
  pick?: (total: number) => readonly number[],
): Promise<ImageSplit | undefined> {
  const { dataset } = metadata;
  if (!isKnownDataset(dataset)) return undefined;
  const { mean, std, inputHeight, labels } = metadata;
  // The synthetic dataset has no folder, and --data beside it is no mistake: it may be set for every command.
  const dir = dataset === 'synthetic' ? undefined : (data ?? before);
  const isSaid = dir !== undefined && data !== undefined;
  const recorded = rereadOptions(readDatasetRecord(metadata.trainingConfig ?? {}, 'the training config'));
  const loaded = await loadDataset({
    dataset,
    dir,
    splits: [split],
    // The images that were held out must not come back as training images.
    ...recorded,
    skipBroken: skipBroken || recorded.skipBroken,
    onNote,
    imageSize: inputHeight,
    pick,
    normalization: { mean, std },
  }).catch((error: unknown) => {
    if (error instanceof UserError && !isSaid) return undefined;
    throw error;
  });
  if (!loaded) return undefined;
  if (loaded.labels.join('\n') !== labels.join('\n')) {
    if (!isSaid) return undefined;
    throw new UserError(`the ${dataset} in ${dir} has other classes than the model; mend --data`);
  }
  return loaded[split];
}
