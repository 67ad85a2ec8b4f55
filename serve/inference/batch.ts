import type { InferenceResult } from './pool.ts';

/** A request that waits for the model. */
export interface Job {
  /** [images, 3, height, width] */
  input: Float32Array<ArrayBuffer>;
  images: number;
  resolve(result: InferenceResult): void;
  reject(error: unknown): void;
}

/** Jobs that run together; `input` holds their images one after another. */
export interface Batch {
  jobs: Job[];
  input: Float32Array<ArrayBuffer>;
  images: number;
}

/**
 * Takes from the head of the queue as many jobs as fit into `maxImages` (always at least one) and joins them.
 * A job alone keeps its array; only joining copies.
 * @param queue not empty; the jobs taken are removed from it
 */
export function takeBatch(queue: Job[], maxImages: number): Batch {
  let count = 1;
  let images = queue[0]!.images;
  while (count < queue.length && images + queue[count]!.images <= maxImages) images += queue[count++]!.images;
  const jobs = queue.splice(0, count);
  if (jobs.length === 1) return { jobs, input: jobs[0]!.input, images };
  const input = new Float32Array(jobs.reduce((sum, job) => sum + job.input.length, 0));
  let offset = 0;
  for (const job of jobs) {
    input.set(job.input, offset);
    offset += job.input.length;
  }
  return { jobs, input, images };
}
