/**
 * Trains a small net on own photos, a folder a class: npx tsx examples/01-train.ts photos 20
 * Without a folder it trains an epoch on pictures that are drawn by code.
 */
import { loadDataset, train } from '../index.ts';

const [photos, epochs = 20] = process.argv.slice(2);
const dataset = await loadDataset(
  photos === undefined ? { dataset: 'synthetic' } : { data: photos, valShare: 0.25 },
);
console.log(`${dataset.train.count} images of ${dataset.labels.join(', ')}`);

const { run, best } = await train({
  dataset,
  model: 'resnet14t',
  epochs: photos === undefined ? 1 : Number(epochs),
  // A batch is filled with different images.
  batchSize: Math.min(64, dataset.train.count),
  nesterov: true,
  run: 'runs/example',
  onEpoch: ({ epoch, trainLoss, testTop1 }) =>
    console.log(`epoch ${epoch + 1}: loss ${trainLoss.toFixed(3)}, top-1 ${(100 * testTop1).toFixed(1)} %`),
});
console.log(`${run}: ${best?.top1Correct} of ${best?.images} test images right`);
