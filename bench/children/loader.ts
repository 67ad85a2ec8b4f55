import { loadDataset } from '../../core/data/load.ts';
import { BatchLoader } from '../../train/loader/batch-loader.ts';
import { DEFAULTS } from '../../train/recipe/settings.ts';
import { runChild } from './child-main.ts';

/** The data pipeline alone, with the reference recipe's augmentation; `threads` is its worker threads. */
await runChild(async ({ batchSize, threads, data }) => {
  const dataset = await loadDataset({ dir: data as string | undefined, splits: ['train'] });
  const { train, height, width, normalization, labels } = dataset;
  const loader = new BatchLoader({
    split: train,
    height,
    width,
    normalization,
    classes: labels.length,
    batchSize,
    seed: 1,
    workers: threads || 1,
    augment: { ...DEFAULTS, augment: 'autoaugment', cutmixProb: 0.5 },
  });
  let epoch = 0;
  let batches = loader.epoch(epoch);
  return {
    parameters: 0,
    run: async () => {
      let next = await batches.next();
      if (next.done) {
        batches = loader.epoch(++epoch);
        next = await batches.next();
      }
      if (!next.done) next.value.release();
    },
    close: () => loader.close(),
  };
});
