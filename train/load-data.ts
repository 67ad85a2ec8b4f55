import { formatPercent } from '../core/cli/format.ts';
import { ProgressBar } from '../core/cli/progress.ts';
import type { ImageDataset } from '../core/data/dataset.ts';
import {
  type DatasetChoice,
  describeLocation,
  type LoadDatasetOptions,
  loadDatasetFrom,
  locateDataset,
} from '../core/data/load.ts';

/**
 * Finds the data, says where, and loads it with a bar for image files.
 * @throws UserError if it is missing or damaged
 */
export async function loadTrainingData(
  options: Omit<LoadDatasetOptions, 'dataset' | 'onProgress' | 'onNote'> & { dataset: DatasetChoice },
  say: (line: string) => void,
): Promise<ImageDataset> {
  const location = await locateDataset(options);
  say(`data: ${describeLocation(location)}`);
  let bar: ProgressBar | undefined;
  const dataset = await loadDatasetFrom(location, {
    ...options,
    onNote: (line) => say(`data: ${line}`),
    onProgress: (done, total) => {
      bar ??= new ProgressBar({ label: 'decode', total, unit: 'images' });
      bar.update(done);
    },
  }).finally(() => bar?.finish());
  const { heldOut } = dataset.origin ?? {};
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
