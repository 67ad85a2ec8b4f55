import { availableParallelism } from 'node:os';
import { UnavailableError } from '../../core/errors.ts';
import type { RuntimeChoice } from '../../core/runtime/runtimes.ts';
import { type InferenceThread, InferenceThreads } from './inference-threads.ts';
import { type Batch, type InferenceResult, type Job, JobQueue } from './job-queue.ts';
import { makeSharedFolder, removeSharedFolder } from './shared-weights.ts';
import type { InferenceSetup } from './worker.ts';

/** Told what an inference pool does, for metrics and the log. Times in seconds. */
export interface PoolObserver {
  /** A request waited so long for a worker. */
  waited(seconds: number): void;
  /** A batch ran. */
  ran(images: number, seconds: number): void;
  /** A worker died and will be replaced. */
  crashed(reason: string): void;
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
  /** If given: threads of an additional worker, for a request that comes alone. */
  soloThreads?: number | undefined;
  /** What runs the model (default onnxruntime). */
  runtime?: RuntimeChoice;
  /** Most images the model runs at once (default 32); 1 where it turns out not to take more. */
  maxBatch?: number;
  /** Most images that may wait; more are refused with a 503 (default 2048). */
  maxQueued?: number;
  /** The worker's module, for tests. */
  workerModule?: URL;
  observer?: PoolObserver | undefined;
}

/** When to give a request up before the model ran, and who asks it. */
export interface RunLimits {
  /** Whether the client is gone. */
  isGone?: () => boolean;
  /** `performance.now()` of the latest useful answer. */
  deadline?: number | undefined;
  /** Clients are served by turns where many requests wait for few threads. */
  client?: string;
}

/** A request that two threads died of is not given to a third. */
const MAX_CRASHES = 2;

/**
 * Runs inference in worker threads. A request that comes alone gets the solo worker, which splits each operator
 * over the cores: the shortest time. When more are under way, each worker takes what waits, up to `maxBatch`
 * images at once, on its own core: no core waits for another, and load makes batches larger instead of the queue
 * longer. Nothing waits while a worker is idle. A worker that dies is replaced, and what it had is run again.
 */
export class InferencePool {
  /** The model's bytes, in memory that all workers share. */
  readonly modelBytes: Uint8Array;
  /** Values of one image. */
  readonly #size: number;
  readonly #classes: number;
  #maxBatch: number;
  #batchProblem: string | undefined;
  #runtimeNote: string | undefined;
  readonly #observer: PoolObserver | undefined;
  readonly #sharedFolder = makeSharedFolder();
  readonly #threads: InferenceThreads;
  /** The solo worker's place, if there is one. */
  readonly #solo: number | undefined;
  readonly #queue: JobQueue;
  #closed = false;

  private constructor(options: InferencePoolOptions) {
    const shared = new SharedArrayBuffer(options.model.byteLength);
    this.modelBytes = new Uint8Array(shared);
    this.modelBytes.set(options.model);
    const { height, width, classes, workers = 1, threads = 0, soloThreads } = options;
    this.#size = 3 * height * width;
    this.#classes = classes;
    this.#maxBatch = options.maxBatch ?? 32;
    this.#queue = new JobQueue(options.maxQueued ?? 2048);
    this.#observer = options.observer;
    const setup = {
      ...{ model: shared, sharedFolder: this.#sharedFolder, height, width, classes },
      ...(options.runtime && { runtime: options.runtime }),
    };
    const setups: InferenceSetup[] = Array.from({ length: workers }, () => ({ ...setup, threads }));
    setups[0] = { ...setups[0]!, tryBatch: this.#maxBatch };
    if (soloThreads !== undefined) this.#solo = setups.push({ ...setup, threads: soloThreads }) - 1;
    this.#threads = new InferenceThreads({
      module: options.workerModule ?? new URL('./worker.ts', import.meta.url),
      setups,
      onReady: () => this.#dispatch(),
      onCrash: (reason) => this.#observer?.crashed(reason),
      // Answer now rather than let them hang.
      onHelpless: () => this.#failQueue(),
    });
  }

  /**
   * Starts the workers; resolves once each loaded the model and ran a warm-up inference. The first tries whether images
   * in a batch come out as each by itself; if not, they are run one by one.
   * @throws UserError if the runtime cannot run the model
   */
  static async start(options: InferencePoolOptions): Promise<InferencePool> {
    const pool = new InferencePool(options);
    try {
      const { batchProblem, note } = await pool.#threads.start();
      pool.#batchProblem = batchProblem;
      pool.#runtimeNote = note;
      if (pool.#batchProblem !== undefined) pool.#maxBatch = 1;
    } catch (error) {
      await pool.close();
      throw error;
    }
    return pool;
  }

  /** Whether at least one worker can take work. */
  get ready(): boolean {
    return !this.#closed && this.#threads.anyReady;
  }

  /** Why images are run one by one; undefined where they are not for that. */
  get batchProblem(): string | undefined {
    return this.#batchProblem;
  }

  /** Which runtime was chosen by trial, and why; undefined where none was. */
  get runtimeNote(): string | undefined {
    return this.#runtimeNote;
  }

  /** How many images wait for a worker. */
  get queued(): number {
    return this.#queue.images;
  }

  /**
   * To be asked before anything is done for a request that would then find no room.
   * @throws OverloadError if so many images could not wait for a worker now
   */
  checkRoom(images: number): void {
    this.#queue.checkRoom(images);
  }

  /**
   * Runs the model.
   * @param input [images, 3, height, width], normalised; not to be changed before the answer
   * @throws UnavailableError if too much is waiting, it waited too long, its workers died or the pool is closed
   */
  async run(input: Float32Array, images: number, limits: RunLimits = {}): Promise<InferenceResult> {
    if (images < 1 || input.length !== images * this.#size) {
      throw new RangeError(`${images} images need ${images * this.#size} values, not ${input.length}`);
    }
    if (this.#closed) throw new UnavailableError('the server is shutting down');
    this.#queue.checkRoom(images);
    // A request larger than a batch is cut, so that it does not hold up the others for long.
    const parts: Promise<InferenceResult>[] = [];
    for (let first = 0; first < images; first += this.#maxBatch) {
      const count = Math.min(this.#maxBatch, images - first);
      parts.push(
        this.#enqueue(input.subarray(first * this.#size, (first + count) * this.#size), count, limits),
      );
    }
    this.#dispatch();
    if (parts.length === 1) return parts[0]!;
    const results = await Promise.all(parts);
    const logits = new Float32Array(images * this.#classes);
    results.forEach((result, i) => {
      logits.set(result.logits, i * this.#maxBatch * this.#classes);
    });
    return { logits, milliseconds: results.reduce((sum, result) => sum + result.milliseconds, 0) };
  }

  /** Stops the workers; what still waits, or runs when its worker stops, fails with an {@link UnavailableError}. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#failQueue();
    await this.#threads.close();
    removeSharedFolder(this.#sharedFolder);
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
    });
  }

  #dispatch(): void {
    const workers = this.#choose();
    for (const [i, worker] of workers.entries()) {
      // A fair share for each of the idle, rather than all for the first.
      const share = Math.ceil(this.#queue.images / (workers.length - i));
      const batch = this.#queue.take(Math.min(this.#maxBatch, share));
      if (!batch) return;
      void this.#runBatch(worker, batch);
    }
  }

  /** The workers that should take what waits. */
  #choose(): InferenceThread[] {
    const { idle } = this.#threads;
    if (this.#solo === undefined) return [...idle.values()];
    const solo = idle.get(this.#solo);
    idle.delete(this.#solo);
    const alone = this.#queue.length === 1 || idle.size === 0;
    return solo && alone && !this.#threads.anyBusy ? [solo] : [...idle.values()];
  }

  async #runBatch(worker: InferenceThread, batch: Batch): Promise<void> {
    const start = performance.now();
    try {
      const { logits, milliseconds } = await worker.run(batch.input, batch.images);
      let row = 0;
      for (const job of batch.jobs) {
        const rows = logits.subarray(row * this.#classes, (row + job.images) * this.#classes);
        job.resolve({ logits: rows, milliseconds });
        row += job.images;
        this.#observer?.waited((start - job.queuedAt) / 1000);
      }
      this.#observer?.ran(batch.images, milliseconds / 1000);
    } catch (error) {
      if (error instanceof UnavailableError) this.#runAgain(batch.jobs, error);
      else if (batch.jobs.length > 1) this.#runApart(batch.jobs);
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

  /** Of requests that failed together, only those fail that do so alone. */
  #runApart(jobs: readonly Job[]): void {
    for (const job of jobs) job.alone = true;
    this.#queue.unshift(jobs);
  }

  #failQueue(): void {
    const reason = this.#closed ? 'the server is shutting down' : 'inference is restarting; try again';
    this.#queue.failAll(() => new UnavailableError(reason));
  }
}

type Choice = Pick<InferencePoolOptions, 'workers' | 'threads' | 'soloThreads'>;

/** More batches at a time would hold more memory than they gain speed. */
const MAX_WORKERS = 8;

/**
 * How many inference threads to start and how many threads each splits an operator over. A core of its own for
 * each batch gives the most images a second, all cores for one batch the shortest time; left to us, there are
 * workers for either.
 * @param wanted what was asked for; the rest is chosen to fit
 * @param cores of this process
 */
export function chooseInference(
  wanted: { workers?: number | undefined; threads?: number | undefined } = {},
  cores = availableParallelism(),
): Choice {
  const share = (parts: number): number => Math.max(1, Math.floor(cores / parts));
  if (wanted.workers !== undefined || wanted.threads !== undefined) {
    const workers = wanted.workers ?? share(wanted.threads!);
    return { workers, threads: wanted.threads ?? share(workers) };
  }
  const workers = Math.min(cores, MAX_WORKERS);
  const threads = share(workers);
  return { workers, threads, ...(cores > threads && { soloThreads: cores }) };
}
