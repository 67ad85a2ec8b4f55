import { UnavailableError } from '../http/http-error.ts';
import type { Batch, Job } from './batch.ts';
import { JobQueue } from './job-queue.ts';
import type { PoolObserver } from './observer.ts';
import type { WorkerSetup } from './protocol.ts';
import { InferenceWorker } from './worker-handle.ts';

/** What came out of the model for one request. */
export interface InferenceResult {
  /** [images, classes] */
  logits: Float32Array;
  /** Time the model ran, of the batches the images were in; without the time they waited. */
  milliseconds: number;
}

export interface InferencePoolOptions {
  /** The ONNX file's bytes. */
  model: Uint8Array;
  height: number;
  width: number;
  classes: number;
  /** Worker threads (default 1). */
  workers?: number;
  /** Threads inside one operator; 0 (default) lets onnxruntime choose. */
  threads?: number;
  /** Most images the model runs at once (default 32). */
  maxBatch?: number;
  /** Most images that may wait; more are refused with a 503 (default 2048). */
  maxQueued?: number;
  /** The worker's module, for tests. */
  workerModule?: URL;
  observer?: PoolObserver | undefined;
}

/** When to give a request up before the model ran. */
export interface RunLimits {
  /** Whether the client is gone. */
  isGone?: () => boolean;
  /** `performance.now()` of the latest useful answer. */
  deadline?: number | undefined;
}

const RESTART_DELAY_MS = 100;
const RESTART_DELAY_MAX_MS = 10_000;
/** A request that two threads died of is not given to a third. */
const MAX_CRASHES = 2;

/**
 * Runs inference in worker threads. Requests that arrive while every worker is busy wait and are then run
 * together, up to `maxBatch` images, so that load makes batches larger instead of the queue longer, and
 * nothing waits while a worker is idle. A worker that dies is replaced, and what it had is run again.
 */
export class InferencePool {
  /** The model's bytes, in memory that all workers share. */
  readonly modelBytes: Uint8Array;
  readonly #setup: WorkerSetup;
  readonly #module: URL;
  readonly #maxBatch: number;
  readonly #observer: PoolObserver | undefined;
  readonly #workers = new Set<InferenceWorker>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  readonly #queue: JobQueue;
  #restartDelay = RESTART_DELAY_MS;
  #closed = false;

  private constructor(options: InferencePoolOptions) {
    const shared = new SharedArrayBuffer(options.model.byteLength);
    this.modelBytes = new Uint8Array(shared);
    this.modelBytes.set(options.model);
    const { height, width, classes } = options;
    this.#setup = { model: shared, height, width, classes, threads: options.threads ?? 0 };
    this.#module = options.workerModule ?? new URL('./worker.ts', import.meta.url);
    this.#maxBatch = options.maxBatch ?? 32;
    this.#queue = new JobQueue(options.maxQueued ?? 2048);
    this.#observer = options.observer;
  }

  /**
   * Starts the workers; resolves once each loaded the model and ran a warm-up inference.
   * @throws UserError if onnxruntime cannot run the model
   */
  static async start(options: InferencePoolOptions): Promise<InferencePool> {
    const pool = new InferencePool(options);
    try {
      const workers = Array.from({ length: options.workers ?? 1 }, () => pool.#spawn());
      await Promise.all(workers.map((worker) => worker.ready));
    } catch (error) {
      await pool.close();
      throw error;
    }
    return pool;
  }

  /** Whether at least one worker can take work. */
  get ready(): boolean {
    return !this.#closed && [...this.#workers].some((worker) => worker.isReady);
  }

  /** How many images wait for a worker. */
  get queued(): number {
    return this.#queue.images;
  }

  /**
   * Runs the model.
   * @param input [images, 3, height, width], normalised; not to be changed before the answer
   * @throws UnavailableError if too much is waiting, it waited too long, its workers died or the pool is closed
   */
  async run(input: Float32Array, images: number, limits: RunLimits = {}): Promise<InferenceResult> {
    const size = 3 * this.#setup.height * this.#setup.width;
    if (images < 1 || input.length !== images * size) {
      throw new RangeError(`${images} images need ${images * size} values, not ${input.length}`);
    }
    if (this.#closed) throw new UnavailableError('the server is shutting down');
    this.#queue.checkRoom(images);
    if (images <= this.#maxBatch) return this.#enqueue(input, images, limits);
    // A request larger than a batch is cut, so that it does not hold up the others for long.
    const parts: Promise<InferenceResult>[] = [];
    for (let first = 0; first < images; first += this.#maxBatch) {
      const count = Math.min(this.#maxBatch, images - first);
      parts.push(this.#enqueue(input.subarray(first * size, (first + count) * size), count, limits));
    }
    const results = await Promise.all(parts);
    const logits = new Float32Array(images * this.#setup.classes);
    results.forEach((result, i) => {
      logits.set(result.logits, i * this.#maxBatch * this.#setup.classes);
    });
    return { logits, milliseconds: results.reduce((sum, result) => sum + result.milliseconds, 0) };
  }

  /** Stops the workers; what still waits or runs fails with an {@link UnavailableError}. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    this.#failQueue();
    await Promise.all([...this.#workers].map((worker) => worker.stop()));
  }

  #enqueue(input: Float32Array, images: number, limits: RunLimits): Promise<InferenceResult> {
    return new Promise((resolve, reject) => {
      this.#queue.push({
        input,
        images,
        queuedAt: performance.now(),
        deadline: limits.deadline ?? Number.POSITIVE_INFINITY,
        isGone: limits.isGone ?? (() => false),
        crashes: 0,
        resolve,
        reject,
      });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    for (const worker of this.#workers) {
      if (!worker.isReady || worker.isBusy) continue;
      const batch = this.#queue.take(this.#maxBatch);
      if (!batch) return;
      void this.#runBatch(worker, batch);
    }
  }

  async #runBatch(worker: InferenceWorker, batch: Batch): Promise<void> {
    const start = performance.now();
    try {
      const { logits, milliseconds } = await worker.run(batch.input, batch.images);
      let row = 0;
      for (const job of batch.jobs) {
        const rows = logits.subarray(row * this.#setup.classes, (row + job.images) * this.#setup.classes);
        job.resolve({ logits: rows, milliseconds });
        row += job.images;
        this.#observer?.waited((start - job.queuedAt) / 1000);
      }
      this.#observer?.ran(batch.images, milliseconds / 1000);
    } catch (error) {
      if (error instanceof UnavailableError) this.#runAgain(batch.jobs, error);
      else for (const job of batch.jobs) job.reject(error);
    }
    this.#dispatch();
  }

  /** What a worker had when it died goes back to the head of the queue. */
  #runAgain(jobs: readonly Job[], error: UnavailableError): void {
    const again: Job[] = [];
    for (const job of jobs) {
      job.crashes++;
      if (this.#closed || job.crashes >= MAX_CRASHES) job.reject(error);
      else again.push(job);
    }
    this.#queue.unshift(again);
  }

  #spawn(): InferenceWorker {
    const worker = new InferenceWorker(this.#module, this.#setup);
    this.#workers.add(worker);
    worker.ready.then(
      () => {
        this.#restartDelay = RESTART_DELAY_MS;
        this.#dispatch();
      },
      // `start` reports it; a replacement that fails is replaced in turn, below.
      () => {},
    );
    void worker.exited.then((wasReady) => {
      this.#workers.delete(worker);
      if (this.#closed) return;
      this.#observer?.crashed(worker.failure);
      if (!wasReady) {
        this.#restartDelay = Math.min(this.#restartDelay * 2, RESTART_DELAY_MAX_MS);
        // Nobody will come for the waiting requests soon: answer them now rather than let them hang.
        if (this.#workers.size === 0) this.#failQueue();
      }
      const timer = setTimeout(() => {
        this.#restarts.delete(timer);
        this.#spawn();
      }, this.#restartDelay);
      this.#restarts.add(timer);
    });
    return worker;
  }

  #failQueue(): void {
    const reason = this.#closed ? 'the server is shutting down' : 'inference is restarting; try again';
    this.#queue.failAll(() => new UnavailableError(reason));
  }
}
