import { UnavailableError } from '../http/http-error.ts';
import { type Batch, type Job, takeBatch } from './batch.ts';
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
  /** Worker threads; one uses all cores already, as an operator is split over threads (default 1). */
  workers?: number;
  /** Threads inside one operator; 0 (default) lets onnxruntime choose. */
  threads?: number;
  /** Most images the model runs at once (default 64). */
  maxBatch?: number;
  /** Most images that may wait; more are refused with a 503 (default 2048). */
  maxQueued?: number;
  /** The worker's module, for tests. */
  workerModule?: URL;
}

const RESTART_DELAY_MS = 100;
const RESTART_DELAY_MAX_MS = 10_000;

/**
 * Runs inference in worker threads. Requests that arrive while every worker is busy wait and are then run
 * together, up to `maxBatch` images, so that load makes batches larger instead of the queue longer. A worker
 * that dies fails the requests it held with an {@link UnavailableError} and is replaced.
 */
export class InferencePool {
  readonly #setup: WorkerSetup;
  readonly #module: URL;
  readonly #maxBatch: number;
  readonly #maxQueued: number;
  readonly #workers = new Set<InferenceWorker>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  readonly #queue: Job[] = [];
  #queuedImages = 0;
  #restartDelay = RESTART_DELAY_MS;
  #closed = false;

  private constructor(options: InferencePoolOptions) {
    const shared = new SharedArrayBuffer(options.model.byteLength);
    new Uint8Array(shared).set(options.model);
    const { height, width, classes } = options;
    this.#setup = { model: shared, height, width, classes, threads: options.threads ?? 0 };
    this.#module = options.workerModule ?? new URL('./worker.ts', import.meta.url);
    this.#maxBatch = options.maxBatch ?? 64;
    this.#maxQueued = options.maxQueued ?? 2048;
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

  /**
   * Runs the model.
   * @param input [images, 3, height, width], normalised; it is given away (its buffer may be detached)
   * @throws UnavailableError if too much is waiting, the worker died or the pool is closed
   */
  async run(input: Float32Array<ArrayBuffer>, images: number): Promise<InferenceResult> {
    const size = 3 * this.#setup.height * this.#setup.width;
    if (images < 1 || input.length !== images * size) {
      throw new RangeError(`${images} images need ${images * size} values, not ${input.length}`);
    }
    if (this.#closed) throw new UnavailableError('the server is shutting down');
    if (this.#queuedImages + images > Math.max(this.#maxQueued, images)) {
      throw new UnavailableError('the server is overloaded; try again later');
    }
    if (images <= this.#maxBatch) return this.#enqueue(input, images);
    // A request larger than a batch is cut, so that it does not hold up the others for long.
    const parts: Promise<InferenceResult>[] = [];
    for (let first = 0; first < images; first += this.#maxBatch) {
      const count = Math.min(this.#maxBatch, images - first);
      parts.push(this.#enqueue(input.slice(first * size, (first + count) * size), count));
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

  #enqueue(input: Float32Array<ArrayBuffer>, images: number): Promise<InferenceResult> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ input, images, resolve, reject });
      this.#queuedImages += images;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    for (const worker of this.#workers) {
      if (this.#queue.length === 0) return;
      if (!worker.isReady || worker.isBusy) continue;
      const batch = takeBatch(this.#queue, this.#maxBatch);
      this.#queuedImages -= batch.images;
      void this.#runBatch(worker, batch);
    }
  }

  async #runBatch(worker: InferenceWorker, batch: Batch): Promise<void> {
    try {
      const { logits, milliseconds } = await worker.run(batch.input, batch.images);
      let row = 0;
      for (const job of batch.jobs) {
        const rows = logits.subarray(row * this.#setup.classes, (row + job.images) * this.#setup.classes);
        job.resolve({ logits: rows, milliseconds });
        row += job.images;
      }
    } catch (error) {
      for (const job of batch.jobs) job.reject(error);
    }
    this.#dispatch();
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
      if (!wasReady) this.#restartDelay = Math.min(this.#restartDelay * 2, RESTART_DELAY_MAX_MS);
      // Nobody will come for the waiting requests soon: answer them now rather than let them hang.
      if (this.#workers.size === 0) this.#failQueue();
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
    for (const job of this.#queue.splice(0)) job.reject(new UnavailableError(reason));
    this.#queuedImages = 0;
  }
}
