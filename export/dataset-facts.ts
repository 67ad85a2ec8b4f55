import { CIFAR100_NORMALIZATION } from '../core/data/cifar100.ts';
import type { Normalization } from '../core/data/dataset.ts';
import { DATASET_CHOICES, type DatasetChoice, loadDataset } from '../core/data/load.ts';
import { makeSynthetic } from '../core/data/synthetic.ts';
import { errorMessage, UserError } from '../core/errors.ts';

/** What a model file says about the data its model was trained on. */
export interface DatasetFacts {
  /** The dataset's name, e.g. `cifar100`. */
  dataset: string;
  labels: string[];
  normalization: Normalization;
  /** Pixels. */
  height: number;
  width: number;
}

/** The images of every dataset there is. */
const IMAGE_SIZE = 32;

/**
 * The label names, normalisation and image size of the dataset a run was trained on. Label names stored in
 * the run's config (`labels`) come first, so that a run can be exported where the dataset is not; a run
 * without them needs the dataset's files, though not its images.
 * @param config the run's config.json
 * @param source the config's path, for errors
 * @param data the folder of the dataset, where it is not in a default place
 * @throws UserError if the stored labels are malformed, or there are none and the dataset is not found
 */
export async function datasetFacts(
  config: Record<string, unknown>,
  source: string,
  data?: string,
): Promise<DatasetFacts> {
  const dataset = checkDataset(config.dataset, source);
  if (config.labels !== undefined) {
    return {
      dataset,
      labels: checkLabels(config.labels, source),
      normalization: normalizationOf(dataset),
      height: IMAGE_SIZE,
      width: IMAGE_SIZE,
    };
  }
  const { labels, normalization, height, width } = await loadLabels(dataset, source, data);
  return { dataset, labels, normalization, height, width };
}

type NamedDataset = Exclude<DatasetChoice, 'auto'>;

function checkDataset(name: unknown, source: string): NamedDataset {
  const known = DATASET_CHOICES.filter((choice): choice is NamedDataset => choice !== 'auto');
  const dataset = known.find((choice) => choice === name);
  if (dataset === undefined) {
    throw new UserError(`${source}: the dataset ${JSON.stringify(name)} is none of ${known.join(', ')}`);
  }
  return dataset;
}

function checkLabels(labels: unknown, source: string): string[] {
  if (!Array.isArray(labels) || labels.length === 0 || !labels.every((label) => typeof label === 'string')) {
    throw new UserError(`${source}: "labels" must be a list of class names`);
  }
  return labels;
}

function normalizationOf(dataset: NamedDataset): Normalization {
  return dataset === 'cifar100' ? CIFAR100_NORMALIZATION : makeSynthetic({ splits: [] }).normalization;
}

/** Loads the dataset without any of its images. */
async function loadLabels(dataset: NamedDataset, source: string, data?: string) {
  try {
    // The synthetic dataset has no folder, and --data beside it is no mistake: it may be set for every command.
    return await loadDataset({ dataset, dir: dataset === 'synthetic' ? undefined : data, splits: [] });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${source} stores no label names, and ${errorMessage(error)}`);
  }
}
