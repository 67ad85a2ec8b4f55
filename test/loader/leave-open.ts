import { makeSynthetic } from '../../core/data/synthetic.ts';
import { BatchLoader } from '../../train/loader/batch-loader.ts';

// Run by batch-loader.test.ts: uses a loader and does not close it.
const { train: split, normalization } = makeSynthetic({ train: 40, splits: ['train'] });
const augment = { crop: { padding: 4 }, flip: true };
const loader = new BatchLoader({
  split,
  height: 32,
  width: 32,
  normalization,
  batchSize: 10,
  seed: 1,
  augment,
});
for await (const batch of loader.epoch(0)) {
  console.log(`${batch.size} images`);
  break;
}
