import { OverloadError, Refusal } from '../../core/errors.ts';

/** What came out of the model for one request. */
export interface InferenceResult {
  /** [images, classes] */
  logits: Float32Array;
  /** Time the model ran, of the batches the images were in; without the time they waited. */
  milliseconds: number;
}

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

/** The jobs that wait for an inference thread: bounded, first come first served, without those given up. */
export class JobQueue {
  readonly #maxImages: number;
  readonly #jobs: Job[] = [];
  #images = 0;

  /** @param maxImages most images that may wait */
  constructor(maxImages: number) {
    this.#maxImages = maxImages;
  }

  /** How many images wait. */
  get images(): number {
    return this.#images;
  }

  /** How many jobs wait. */
  get length(): number {
    return this.#jobs.length;
  }

  /**
   * Whether so many more images may wait. A request larger than the queue is let in when nothing waits, or it
   * never could be.
   * @throws OverloadError if not
   */
  checkRoom(images: number): void {
    if (this.#images > 0 && this.#images + images > this.#maxImages) {
      throw new OverloadError('the server is overloaded; try again later');
    }
  }

  push(job: Job): void {
    this.#jobs.push(job);
    this.#images += job.images;
  }

  /** Puts jobs back in front, e.g. those of a thread that died. */
  unshift(jobs: readonly Job[]): void {
    this.#jobs.unshift(...jobs);
    for (const job of jobs) this.#images += job.images;
  }

  /** The next batch; undefined if nothing waits. Jobs past their deadline or without a client are dropped. */
  take(maxBatch: number): Batch | undefined {
    this.#dropGivenUp();
    if (this.length === 0) return undefined;
    const batch = takeBatch(this.#jobs, maxBatch);
    this.#images -= batch.images;
    return batch;
  }

  /** Refuses everything that waits. */
  failAll(error: () => Refusal): void {
    for (const job of this.#jobs.splice(0)) job.reject(error());
    this.#images = 0;
  }

  #dropGivenUp(): void {
    const now = performance.now();
    let kept = 0;
    for (const job of this.#jobs) {
      const gone = job.isGone();
      if (!gone && now <= job.deadline) {
        this.#jobs[kept++] = job;
        continue;
      }
      this.#images -= job.images;
      job.reject(gone ? new Refusal(499, 'the client closed the connection') : timedOut());
    }
    this.#jobs.length = kept;
  }
}

function timedOut(): OverloadError {
  return new OverloadError('the request waited too long for the model; try again later');
}

/**
 * Takes from the head of the queue as many jobs as fit into `maxImages` (always at least one) and joins them.
 * A job whose thread died before, or whose batch failed, is run alone: if it is what does that, it takes no other
 * job with it.
 * @param queue not empty; the jobs taken are removed from it
 */
function takeBatch(queue: Job[], maxImages: number): Batch {
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
