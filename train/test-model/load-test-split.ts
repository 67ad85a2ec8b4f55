import { existsSync } from 'node:fs';
import type { ImageDataset } from '../../core/data/dataset.ts';
import { DATASET_CHOICES, type DatasetChoice, loadDatasetFrom, locateDataset } from '../../core/data/load.ts';
import { checkHeldOut } from '../../core/data/run-record.ts';
import { firstImages } from '../../core/data/split.ts';
import { UserError } from '../../core/errors.ts';
import type { LoadedModel } from './load-model.ts';

export interface TestDataOptions {
  /** Left out: the dataset that the model's file names, else what there is. */
  dataset?: string | undefined;
  /** Where its files are. */
  data?: string | undefined;
  /** Only the first images, at most so many. */
  limit?: number | undefined;
  /** Load the training images too. */
  training?: boolean | undefined;
  /** Leave out image files that cannot be read. */
  skipBroken?: boolean | undefined;
  /** Called with a line about files that are not read. */
  onNote?: (line: string) => void;
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
  const { data: record } = model;
  const ofRun = options.dataset === undefined && options.data === undefined;
  const remembered = ofRun && record?.path !== undefined && existsSync(record.path) ? record.path : undefined;
  // --data may be set for every command; the synthetic dataset has no files.
  const dir = choice === 'synthetic' ? undefined : (options.data ?? remembered);
  // A folder with test images of its own is another than the one of which some were held out.
  const { heldOut } = record ?? {};
  const holdsOut = heldOut && record!.validation === undefined;
  const located = await locateDataset({ dataset: choice, dir, heldOut: holdsOut ? heldOut : undefined });
  const drawsTest = holdsOut && located.dataset === 'folder' && located.layout.test === undefined;
  const dataset = await loadDatasetFrom(located, {
    imageSize: model.height,
    // Given, it need not be measured on the training images.
    normalization: model.normalization,
    splits: options.training ? ['train', 'test'] : ['test'],
    // What was held out, as test or as validation images, was not trained on.
    heldOut: drawsTest || options.training ? heldOut : undefined,
    skipBroken: options.skipBroken || record?.skipBroken,
    onNote: options.onNote,
  });
  if (drawsTest) checkHeldOut(record, 'test', dataset.test);
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
