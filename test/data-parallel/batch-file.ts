import { writeFile } from 'node:fs/promises';
import type { ImageDataset } from '../../core/data/dataset.ts';
import { encodeSafetensors } from '../../core/weights/safetensors.ts';
import { BatchLoader } from '../../train/loader/batch-loader.ts';
import { DEFAULTS } from '../../train/recipe/settings.ts';

/** Batches one after the other. */
export interface Batches {
  /** [steps, batch, 3, H, W] */
  images: Float32Array[];
  /** [steps, batch, classes] */
  targets: Float32Array[];
}

/** The first batches of an epoch as `npm run train` makes them: shuffled, cropped, flipped, smoothed. */
export async function makeBatches(dataset: ImageDataset, batchSize: number, steps: number): Promise<Batches> {
  const loader = new BatchLoader({
    split: dataset.train,
    height: dataset.height,
    width: dataset.width,
    normalization: dataset.normalization,
    classes: dataset.labels.length,
    labelSmoothing: 0.1,
    batchSize,
    seed: 3,
    augment: DEFAULTS,
    dropLast: true,
  });
  const batches: Batches = { images: [], targets: [] };
  try {
    for await (const { images, targets } of loader.epoch(0)) {
      batches.images.push(images);
      batches.targets.push(targets);
      if (batches.images.length === steps) return batches;
    }
    throw new Error(`${dataset.name} has fewer than ${steps} batches of ${batchSize}`);
  } finally {
    await loader.close();
  }
}

/** Writes batches as docs/data-parallel/batches.py reads them. */
export async function writeBatches(
  path: string,
  { images, targets }: Batches,
  { height, width, labels }: ImageDataset,
): Promise<void> {
  const stack = (parts: readonly Float32Array[], dims: readonly number[]) => {
    const size = parts[0]!.length;
    const data = new Float32Array(parts.length * size);
    for (const [i, part] of parts.entries()) data.set(part, i * size);
    return { dims: [parts.length, ...dims], data };
  };
  const batchSize = targets[0]!.length / labels.length;
  const tensors = new Map([
    ['images', stack(images, [batchSize, 3, height, width])],
    ['targets', stack(targets, [batchSize, labels.length])],
  ]);
  await writeFile(path, encodeSafetensors({ tensors, metadata: {} }));
}
