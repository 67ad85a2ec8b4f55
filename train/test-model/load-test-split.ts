import type { ImageDataset, ImageSplit } from '../../core/data/dataset.ts';
import { DATASET_CHOICES, type DatasetChoice, loadDataset } from '../../core/data/load.ts';
import { UserError } from '../../core/errors.ts';
import type { LoadedModel } from './load-model.ts';

export interface TestDataOptions {
  /** Left out: the dataset that the model's file names, else what there is. */
  dataset?: string | undefined;
  /** Where its files are. */
  data?: string | undefined;
  /** Only the first images, at most so many. */
  limit?: number | undefined;
}

/**
 * The test images for a model, normalised as the model was trained.
 * @throws UserError if they are not found, or are of other classes or another size than the model's
 */
export async function loadTestSplit(model: LoadedModel, options: TestDataOptions): Promise<ImageDataset> {
  const name = options.dataset ?? model.dataset ?? 'auto';
  const choice = DATASET_CHOICES.find((known): known is DatasetChoice => known === name);
  if (choice === undefined) {
    throw new UserError(`the model was trained on "${name}", which cannot be read; give --dataset`);
  }
  // --data may be set for every command; the synthetic dataset has no files.
  const dir = choice === 'synthetic' ? undefined : options.data;
  const dataset = await loadDataset({
    dataset: choice,
    dir,
    imageSize: model.height,
    // Given, it need not be measured on the training images.
    normalization: model.normalization,
    splits: ['test'],
  });
  if (dataset.labels.length !== model.classes) {
    throw new UserError(
      `the model has ${model.classes} classes, ${dataset.name} has ${dataset.labels.length}; give --dataset`,
    );
  }
  if (model.labels && model.labels.join('\n') !== dataset.labels.join('\n')) {
    throw new UserError(
      `the model's class names are not those of ${dataset.name}, in this order; give --dataset`,
    );
  }
  if (dataset.height !== model.height || dataset.width !== model.width) {
    throw new UserError(
      `the model takes images of ${model.width}x${model.height}, those of ${dataset.name} are ${dataset.width}x${dataset.height}`,
    );
  }
  const { normalization = dataset.normalization } = model;
  const test = firstImages(dataset.test, options.limit ?? dataset.test.count);
  return { ...dataset, normalization, test };
}

function firstImages(split: ImageSplit, limit: number): ImageSplit {
  const count = Math.min(limit, split.count);
  const imageBytes = split.images.length / split.count;
  return {
    count,
    images: split.images.subarray(0, count * imageBytes),
    labels: split.labels.subarray(0, count),
  };
}
