import { makeSynthetic } from '../../core/data/synthetic.ts';
import { BatchLoader } from '../../train/loader/batch-loader.ts';
import { DEFAULTS } from '../../train/recipe/settings.ts';

// Run by batch-loader.test.ts: uses a loader and does not close it.
const { train: split, normalization } = makeSynthetic({ train: 40, splits: ['train'] });
const loader = new BatchLoader({
  split,
  height: 32,
  width: 32,
  normalization,
  batchSize: 10,
  seed: 1,
  augment: DEFAULTS,
});
for await (const batch of loader.epoch(0)) {
  console.log(`${batch.size} images`);
  break;
}
