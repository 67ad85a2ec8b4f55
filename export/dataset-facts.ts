import { cleanText } from '../core/cli/printable.ts';
import { CIFAR10_BINARY } from '../core/data/cifar10.ts';
import { CIFAR100_NORMALIZATION } from '../core/data/cifar100.ts';
import type { Normalization } from '../core/data/dataset.ts';
import { imagenetLabels, imagenetNormalization } from '../core/data/imagenet/imagenet.ts';
import { DATASET_NAMES, type DatasetName, loadDataset } from '../core/data/load.ts';
import { readDatasetRecord } from '../core/data/run-record.ts';
import { makeSynthetic } from '../core/data/synthetic.ts';
import { errorMessage, UserError } from '../core/errors.ts';
import type { ClassifierMetadata } from '../core/model-metadata.ts';

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

/** The metadata that every exported model carries. */
export function modelMetadata(model: string, facts: DatasetFacts): ClassifierMetadata {
  return {
    model,
    dataset: facts.dataset,
    labels: facts.labels,
    mean: facts.normalization.mean,
    std: facts.normalization.std,
    inputLayout: 'NCHW',
    colorSpace: 'RGB',
    inputHeight: facts.height,
    inputWidth: facts.width,
  };
}

/** What a net of the zoo was trained on that has ImageNet's classes. @param size of its images in pixels */
export async function imagenetFacts(model: string, size: number): Promise<DatasetFacts> {
  const labels = await imagenetLabels();
  const normalization = imagenetNormalization(model);
  return { dataset: 'imagenet', labels, normalization, height: size, width: size };
}

/** The images of every dataset whose runs do not store a size. */
const IMAGE_SIZE = 32;

/**
 * The label names, normalisation and image size of the dataset a run was trained on. What is stored in the
 * run's config (`labels`, `normalization`, `imageSize`) comes first, so that a run can be exported where the
 * dataset is not; a run without them needs the dataset's files, though not its images.
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
  const { imageSize, normalization: stored } = readDatasetRecord(config, source);
  if (config.labels !== undefined) {
    const labels = checkLabels(config.labels, source);
    const normalization = stored ?? knownNormalization(dataset);
    if (normalization) {
      return {
        dataset,
        labels,
        normalization,
        height: imageSize ?? IMAGE_SIZE,
        width: imageSize ?? IMAGE_SIZE,
      };
    }
  }
  const { labels, normalization, height, width } = await loadFacts(dataset, source, data, imageSize);
  return { dataset, labels, normalization: stored ?? normalization, height, width };
}

function checkDataset(name: unknown, source: string): DatasetName {
  const dataset = DATASET_NAMES.find((known) => known === name);
  if (dataset === undefined) {
    throw new UserError(
      `${source}: the dataset ${JSON.stringify(name)} is none of ${DATASET_NAMES.join(', ')}`,
    );
  }
  return dataset;
}

function checkLabels(labels: unknown, source: string): string[] {
  if (!Array.isArray(labels) || labels.length === 0 || !labels.every((label) => typeof label === 'string')) {
    throw new UserError(`${source}: "labels" must be a list of class names`);
  }
  return labels.map(cleanText);
}

/** That of a dataset which is the same everywhere. */
function knownNormalization(dataset: DatasetName): Normalization | undefined {
  switch (dataset) {
    case 'cifar100':
      return CIFAR100_NORMALIZATION;
    case 'cifar10':
      return CIFAR10_BINARY.normalization;
    case 'synthetic':
      return makeSynthetic({ splits: [] }).normalization;
    case 'folder':
      return undefined;
  }
}

/** Loads the dataset without keeping any of its images. */
async function loadFacts(
  dataset: DatasetName,
  source: string,
  data: string | undefined,
  imageSize: number | undefined,
) {
  try {
    // The synthetic dataset has no folder, and --data beside it is no mistake: it may be set for every command.
    const dir = dataset === 'synthetic' ? undefined : data;
    return await loadDataset({ dataset, dir, imageSize, splits: [] });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${source} does not store all about its data, and ${errorMessage(error)}`);
  }
}
