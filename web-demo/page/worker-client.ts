import { UserError } from '../../core/errors.ts';
import type { CallTable, FromWorker, ToWorker } from './worker/messages.ts';

interface Pending {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
  onProgress: ((value: never) => void) | undefined;
}

export interface CallOptions<P> {
  onProgress?: (value: P) => void;
  /** Aborting asks the worker to stop; the call then ends as the worker decides. */
  signal?: AbortSignal;
  /** Is given a function that pauses the call, or lets it go on. */
  onPausable?: (setPaused: (paused: boolean) => void) => void;
}

/** The page's end of a worker: calls that return promises. */
export class WorkerClient<C extends CallTable> {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.#worker.addEventListener('message', (event: MessageEvent<FromWorker>) => this.#receive(event.data));
    this.#worker.addEventListener('error', (event) => this.#fail(event.message));
  }

  /**
   * Asks the worker for something.
   * @throws UserError if the worker refuses with one; AbortError if it gave up because of `signal`
   */
  call<K extends keyof C & string>(
    call: K,
    params: C[K]['params'],
    options: CallOptions<C[K]['progress']> = {},
  ): Promise<C[K]['result']> {
    const id = ++this.#lastId;
    return new Promise<C[K]['result']>((resolve, reject) => {
      this.#pending.set(id, {
        resolve: (value) => resolve(value as C[K]['result']),
        reject,
        onProgress: options.onProgress as Pending['onProgress'],
      });
      this.#send({ id, call, params });
      const cancel = (): void => this.#send({ id, control: 'cancel' });
      if (options.signal?.aborted) cancel();
      else options.signal?.addEventListener('abort', cancel, { once: true });
      options.onPausable?.((paused) => this.#send({ id, control: paused ? 'pause' : 'resume' }));
    });
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromWorker): void {
    const pending = this.#pending.get(message.id);
    if (!pending) return;
    if (message.type === 'progress') {
      pending.onProgress?.(message.value as never);
      return;
    }
    this.#pending.delete(message.id);
    if (message.type === 'result') pending.resolve(message.value);
    else if (message.aborted) pending.reject(new DOMException(message.message, 'AbortError'));
    else pending.reject(message.mendable ? new UserError(message.message) : new Error(message.message));
  }

  /** The worker itself broke (its file is missing, or memory ran out): nothing outstanding will be answered. */
  #fail(reason: string): void {
    const error = new UserError(
      `The page's worker stopped (${reason || 'unknown reason'}); reload the page.`,
    );
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }
}

/** Whether a call ended because it was aborted. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
