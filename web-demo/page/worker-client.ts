import { UserError } from '../../core/errors.ts';
import type { CallName, Calls, FromWorker, ToWorker } from './worker/protocol.ts';

interface Pending {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
  onProgress: ((value: never) => void) | undefined;
}

export interface CallOptions<K extends CallName> {
  onProgress?: (value: Calls[K]['progress']) => void;
  /** Aborting asks the worker to stop; the call then ends as the worker decides. */
  signal?: AbortSignal;
}

/** The page's end of the inference worker: calls that return promises. */
export class WorkerClient {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  constructor() {
    this.#worker = new Worker(new URL('./worker/worker.ts', import.meta.url), { type: 'module' });
    this.#worker.addEventListener('message', (event: MessageEvent<FromWorker>) => this.#receive(event.data));
    this.#worker.addEventListener('error', (event) => this.#fail(event.message));
  }

  /**
   * Asks the worker for something.
   * @throws UserError if the worker refuses with one; AbortError if it gave up because of `signal`
   */
  call<K extends CallName>(
    call: K,
    params: Calls[K]['params'],
    options: CallOptions<K> = {},
  ): Promise<Calls[K]['result']> {
    const id = ++this.#lastId;
    return new Promise<Calls[K]['result']>((resolve, reject) => {
      this.#pending.set(id, {
        resolve: (value) => resolve(value as Calls[K]['result']),
        reject,
        onProgress: options.onProgress as Pending['onProgress'],
      });
      this.#send({ id, call, params } as ToWorker);
      const cancel = (): void => this.#send({ id, call: 'cancel' });
      if (options.signal?.aborted) cancel();
      else options.signal?.addEventListener('abort', cancel, { once: true });
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
      `The inference worker stopped (${reason || 'unknown reason'}); reload the page.`,
    );
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }
}

/** Whether a call ended because it was aborted. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
