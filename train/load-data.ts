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
  options: Omit<LoadDatasetOptions, 'dataset' | 'onProgress'> & { dataset: DatasetChoice },
  say: (line: string) => void,
): Promise<ImageDataset> {
  const location = await locateDataset(options);
  say(`data: ${describeLocation(location)}`);
  let bar: ProgressBar | undefined;
  return loadDatasetFrom(location, {
    ...options,
    onProgress: (done, total) => {
      bar ??= new ProgressBar({ label: 'decode', total, unit: 'images' });
      bar.update(done);
    },
  }).finally(() => bar?.finish());
}
