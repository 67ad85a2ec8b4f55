import type { Worker } from 'node:worker_threads';
import { errorMessage, UserError } from '../../core/errors.ts';
import { endWorker } from '../../core/workers/end-worker.ts';
import { startWorker } from '../../core/workers/start-worker.ts';
import { UnavailableError } from '../http/http-error.ts';
import type { RunMessage, WorkerMessage, WorkerSetup } from './protocol.ts';

interface Pending {
  id: number;
  /** Settles with it. */
  done: Promise<unknown>;
  resolve(result: { logits: Float32Array; milliseconds: number }): void;
  reject(error: unknown): void;
}

/** The main thread's side of one inference worker, which runs one batch at a time. */
export class InferenceWorker {
  /** Settles when the worker can take work, or with the reason why it never will. */
  readonly ready: Promise<void>;
  /** Once ready: why images must be run one by one, if that was tried and is so. */
  batchProblem: string | undefined;
  /** Resolves when the thread is gone, with whether it ever was ready. */
  readonly exited: Promise<boolean>;
  readonly #worker: Worker;
  #state: 'loading' | 'ready' | 'gone' = 'loading';
  #pending: Pending | undefined;
  #nextId = 0;
  #failure = 'it ended';

  constructor(module: URL, setup: WorkerSetup) {
    this.#worker = startWorker(module, setup, 'inference');
    const { promise: ready, resolve, reject } = withResolvers<void>();
    this.ready = ready;
    this.#worker.on('message', (message: WorkerMessage) => {
      if (message.type === 'ready') {
        this.#state = 'ready';
        this.batchProblem = message.batchProblem;
        resolve();
      } else if (message.type === 'unusable') {
        reject(new UserError(`the model cannot be run: ${message.reason}`));
        void this.stop();
      } else {
        this.#settle(message);
      }
    });
    this.#worker.on('error', (error) => {
      this.#failure = errorMessage(error);
      reject(error);
    });
    this.exited = new Promise((resolveExit) => {
      this.#worker.once('exit', (code) => {
        const wasReady = this.#state === 'ready';
        this.#state = 'gone';
        if (this.#failure === 'it ended') this.#failure = `it ended with code ${code}`;
        reject(new Error(`the inference worker: ${this.#failure}`));
        this.#pending?.reject(new UnavailableError('inference was interrupted; try again'));
        this.#pending = undefined;
        resolveExit(wasReady);
      });
    });
  }

  get isReady(): boolean {
    return this.#state === 'ready';
  }

  /** Why it is gone, for the log. */
  get failure(): string {
    return this.#failure;
  }

  get isBusy(): boolean {
    return this.#pending !== undefined;
  }

  /**
   * Runs a batch; the worker must be ready and not busy.
   * @param input [images, 3, height, width]; its buffer is transferred, not copied
   * @returns logits, [images, classes]
   */
  run(
    input: Float32Array<ArrayBuffer>,
    images: number,
  ): Promise<{ logits: Float32Array; milliseconds: number }> {
    const message: RunMessage = { id: this.#nextId++, input, images };
    const { promise, resolve, reject } = withResolvers<{ logits: Float32Array; milliseconds: number }>();
    this.#pending = { id: message.id, done: promise, resolve, reject };
    this.#worker.postMessage(message, [input.buffer]);
    return promise;
  }

  /** Ends the thread when it has loaded the model, or has run the batch that it has. */
  async stop(): Promise<void> {
    await endWorker(this.#worker, this.#pending?.done ?? this.ready);
    await this.exited;
  }

  #settle(message: Extract<WorkerMessage, { id: number }>): void {
    const pending = this.#pending;
    if (pending?.id !== message.id) return;
    this.#pending = undefined;
    if (message.type === 'result') pending.resolve(message);
    else pending.reject(new Error(`inference failed: ${message.reason}`));
  }
}

/** Promise.withResolvers, which Node 20 lacks. */
function withResolvers<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  return { promise, resolve, reject };
}
