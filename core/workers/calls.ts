import { errorMessage, Refusal, UserError } from '../errors.ts';

/** Calls that a worker answers, by name: what the page's workers and Node's threads share is all in here. */
export type CallTable = Record<string, { params: unknown; result: unknown; progress?: unknown }>;

/** To the worker: a call, or a word to one under way. */
export type ToWorker =
  | { id: number; call: string; params: unknown }
  | { id: number; control: 'cancel' | 'pause' | 'resume' };

/** From the worker. */
export type FromWorker =
  | { id: number; type: 'progress'; value: unknown }
  | { id: number; type: 'result'; value: unknown }
  | { id: number; type: 'error'; error: SentError };

/** An error as it travels: its class is lost in a copy. */
interface SentError {
  kind: 'user' | 'refusal' | 'aborted' | 'bug';
  message: string;
  stack: string | undefined;
  status: number;
  retryAfter: number | undefined;
}

export interface CallOptions<P> {
  onProgress?: (value: P) => void;
  /** Aborting asks the worker to stop; the call then ends as the worker decides. */
  signal?: AbortSignal;
  /** Is given a function that pauses the call, or lets it go on. */
  onPausable?: (setPaused: (paused: boolean) => void) => void;
  /** What of the parameters is given away rather than copied. */
  transfer?: readonly ArrayBuffer[];
}

interface Pending {
  done: Promise<unknown>;
  resolve: (value: never) => void;
  reject: (error: Error) => void;
  onProgress: ((value: never) => void) | undefined;
}

/** The asking end of a worker. */
export class Calls<C extends CallTable> {
  readonly #post: (message: ToWorker, transfer: ArrayBuffer[]) => void;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #failure: Error | undefined;

  constructor(post: (message: ToWorker, transfer: ArrayBuffer[]) => void) {
    this.#post = post;
  }

  /** Calls that are not answered yet. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Settles when what is asked by now is answered. */
  get rest(): Promise<unknown> {
    return Promise.allSettled([...this.#pending.values()].map(({ done }) => done));
  }

  /**
   * Asks the worker for something.
   * @throws UserError or Refusal if the worker refuses with one; AbortError if it gave up because of `signal`;
   *   else what went wrong there, with its stack; the reason given to {@link fail}
   */
  call<K extends keyof C & string>(
    call: K,
    params: C[K]['params'],
    options: CallOptions<C[K]['progress']> = {},
  ): Promise<C[K]['result']> {
    const { signal, onProgress, onPausable, transfer = [] } = options;
    if (this.#failure) return Promise.reject(this.#failure);
    const id = ++this.#lastId;
    const send = (control: 'cancel' | 'pause' | 'resume'): void => this.#post({ id, control }, []);
    const pending = { onProgress } as Pending;
    const done = new Promise<C[K]['result']>((resolve, reject) =>
      Object.assign(pending, { resolve, reject }),
    );
    pending.done = done;
    this.#pending.set(id, pending);
    this.#post({ id, call, params }, [...transfer]);
    if (signal?.aborted) send('cancel');
    else signal?.addEventListener('abort', () => send('cancel'), { once: true });
    onPausable?.((paused) => send(paused ? 'pause' : 'resume'));
    return done;
  }

  /** To be given what the worker says. */
  receive(message: FromWorker): void {
    const pending = this.#pending.get(message.id);
    if (!pending) return;
    if (message.type === 'progress') {
      pending.onProgress?.(message.value as never);
      return;
    }
    this.#pending.delete(message.id);
    if (message.type === 'result') pending.resolve(message.value as never);
    else pending.reject(received(message.error));
  }

  /** Nothing outstanding will be answered, nor what is asked later; the first reason stands. */
  fail(reason: Error): void {
    this.#failure ??= reason;
    for (const { reject } of this.#pending.values()) reject(this.#failure);
    this.#pending.clear();
  }
}

/** What a handler is given beside its parameters. */
export interface CallContext<P = never> {
  progress: (value: P) => void;
  signal: AbortSignal;
  /** Closed while the asker has paused the call. */
  gate: Gate;
  /** What of the result is to be given away rather than copied. */
  transfer: (...buffers: ArrayBufferLike[]) => void;
}

export type Handlers<C extends CallTable> = {
  [K in keyof C]: (
    params: C[K]['params'],
    context: CallContext<C[K]['progress']>,
  ) => C[K]['result'] | Promise<C[K]['result']>;
};

/**
 * The answering end, in the worker.
 * @param onBug told of errors that are neither for the user nor for whoever asked
 * @returns takes what the asker says
 */
export function answerCalls<C extends CallTable>(
  handlers: Handlers<C>,
  post: (message: FromWorker, transfer: ArrayBuffer[]) => void,
  onBug: (error: unknown) => void = () => {},
): (message: ToWorker) => void {
  const running = new Map<number, { controller: AbortController; gate: Gate }>();

  async function answer<K extends keyof C>(id: number, call: K, params: C[K]['params']): Promise<void> {
    const controller = new AbortController();
    const gate = new Gate();
    const given: ArrayBuffer[] = [];
    running.set(id, { controller, gate });
    try {
      const value = await handlers[call](params, {
        progress: (progress) => post({ id, type: 'progress', value: progress }, []),
        signal: controller.signal,
        gate,
        transfer: (...buffers) => given.push(...(buffers as ArrayBuffer[])),
      });
      post({ id, type: 'result', value }, given);
    } catch (error) {
      const sent = toSend(error);
      if (sent.kind === 'bug') onBug(error);
      post({ id, type: 'error', error: sent }, []);
    } finally {
      running.delete(id);
    }
  }

  return (message) => {
    if ('call' in message) {
      void answer(message.id, message.call, message.params);
      return;
    }
    const task = running.get(message.id);
    if (message.control === 'pause') task?.gate.close();
    else task?.gate.open();
    if (message.control === 'cancel') task?.controller.abort();
  };
}

function toSend(error: unknown): SentError {
  const { status, retryAfter } = error instanceof Refusal ? error : { status: 0, retryAfter: undefined };
  const isAbort = error instanceof DOMException && error.name === 'AbortError';
  const kind =
    error instanceof UserError ? 'user' : error instanceof Refusal ? 'refusal' : isAbort ? 'aborted' : 'bug';
  const stack = error instanceof Error ? error.stack : undefined;
  return { kind, message: errorMessage(error), stack, status, retryAfter };
}

function received({ kind, message, stack, status, retryAfter }: SentError): Error {
  if (kind === 'user') return new UserError(message);
  if (kind === 'refusal') return new Refusal(status, message, retryAfter);
  if (kind === 'aborted') return new DOMException(message, 'AbortError');
  return Object.assign(new Error(message), { stack });
}

/** Open or closed; work waits at a closed one. */
export class Gate {
  #closed: { promise: Promise<void>; open: () => void } | undefined;

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  close(): void {
    if (this.#closed) return;
    let open = (): void => undefined;
    const promise = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.#closed = { promise, open };
  }

  open(): void {
    this.#closed?.open();
    this.#closed = undefined;
  }

  /** Resolves at once if it is open, else when it is opened. */
  async pass(): Promise<void> {
    await this.#closed?.promise;
  }
}
