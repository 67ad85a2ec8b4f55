import { Random } from '../../../core/random.ts';

export const [BATCH, CLASSES, SIZE, STEPS] = [8, 3, 6, 3];

const random = new Random(11);

/**
 * A batch a step with targets of any mass; the images drift, so that the order of parts and of running
 * statistics tells.
 */
export const DRIFTING_BATCHES = Array.from({ length: STEPS }, () => ({
  images: Float32Array.from(
    { length: BATCH * 3 * SIZE * SIZE },
    (_, i) => random.normal() + (i / (3 * SIZE * SIZE)) * 0.2,
  ),
  targets: Float32Array.from({ length: BATCH * CLASSES }, () => random.uniform()),
}));
