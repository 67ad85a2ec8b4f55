import type { InferenceResult } from './pool.ts';

/** A request that waits for the model. */
export interface Job {
  /** [images, 3, height, width]; kept until it is answered, in case the thread that runs it dies. */
  input: Float32Array;
  images: number;
  /** `performance.now()` when it came. */
  queuedAt: number;
  /** `performance.now()` after which nobody wants the answer; Infinity for never. */
  deadline: number;
  /** Whether the client is gone. */
  isGone: () => boolean;
  /** How often a thread died while it had this job. */
  crashes: number;
  /** Whether it is to run by itself: a batch that it was in failed. */
  alone?: boolean;
  resolve(result: InferenceResult): void;
  reject(error: unknown): void;
}

/** Jobs that run together; `input` is a copy of their images one after another. */
export interface Batch {
  jobs: Job[];
  input: Float32Array<ArrayBuffer>;
  images: number;
}

/**
 * Takes from the head of the queue as many jobs as fit into `maxImages` (always at least one) and joins them.
 * A job whose thread died before, or whose batch failed, is run alone: if it is what does that, it takes no other
 * job with it.
 * @param queue not empty; the jobs taken are removed from it
 */
export function takeBatch(queue: Job[], maxImages: number): Batch {
  let count = 1;
  let images = queue[0]!.images;
  while (
    count < queue.length &&
    images + queue[count]!.images <= maxImages &&
    mayShare(queue[0]!) &&
    mayShare(queue[count]!)
  ) {
    images += queue[count++]!.images;
  }
  const jobs = queue.splice(0, count);
  const input = new Float32Array(jobs.reduce((sum, job) => sum + job.input.length, 0));
  let offset = 0;
  for (const job of jobs) {
    input.set(job.input, offset);
    offset += job.input.length;
  }
  return { jobs, input, images };
}

function mayShare({ crashes, alone }: Job): boolean {
  return crashes === 0 && !alone;
}
