import assert from 'node:assert/strict';
import { it } from 'node:test';
import { BatchLoader } from '../../train/loader/batch-loader.ts';
import { DEFAULTS } from '../../train/recipe/settings.ts';
import { DATASET } from './support/tiny-run.ts';

/*
 * A trainer that stops at an error closes its loader while batches are on their way. Waiting for the workers'
 * end must then keep the process alive: without that it would end silently, with code 13.
 */
it('a loader that is closed with batches under way is waited for', async () => {
  const loader = new BatchLoader({
    split: DATASET.train,
    height: DATASET.height,
    width: DATASET.width,
    normalization: DATASET.normalization,
    batchSize: 16,
    seed: 1,
    augment: { ...DEFAULTS, augment: 'none' },
    prefetch: 3,
  });
  const { value } = await loader.epoch(0).next();
  assert.equal(value?.size, 16);
  // The worker meanwhile posts the batches made ahead; this thread gets to see them only after close().
  const until = performance.now() + 300;
  while (performance.now() < until);
  await loader.close();
});
