import { HttpError, OverloadError } from '../http/http-error.ts';
import { type Batch, type Job, takeBatch } from './batch.ts';

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
  failAll(error: () => HttpError): void {
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
      job.reject(gone ? new HttpError(499, 'the client closed the connection') : timedOut());
    }
    this.#jobs.length = kept;
  }
}

function timedOut(): OverloadError {
  return new OverloadError('the request waited too long for the model; try again later');
}
