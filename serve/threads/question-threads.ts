import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { startWorker } from '../../core/workers/start-worker.ts';
import { HttpError, OverloadError, UnavailableError } from '../http/http-error.ts';
import type { RunLimits } from '../inference/pool.ts';

/** From a thread, to its question: the answer, a refusal for the client, or a fault of ours. */
export type ThreadAnswer<A> = { answer: A } | { status: number; message: string } | { fault: string };

export interface QuestionThreadsOptions {
  /** It calls `answerQuestions`. */
  module: URL;
  /** Shown by debuggers. */
  name: string;
  /** Most questions of one client that may wait (default 64). */
  maxWaiting?: number;
  /** Default 2, and 3 where there are many cores: many at once would need gigabytes. */
  threads?: number;
  /** What is done, for messages: `decoding the image`. */
  work: string;
}

interface Pending<Q, A> {
  question: Q;
  transfer: ArrayBuffer[];
  limits: RunLimits;
  client: string;
  resolve(answer: A): void;
  reject(error: unknown): void;
}

interface Thread<Q, A> {
  worker: Worker | undefined;
  running: Pending<Q, A> | undefined;
}

/**
 * Threads for what would hold up the event loop. Each is asked one thing at a time; clients are served by turns,
 * and one alone never has all of the threads, so that nobody waits for all that another asks. A thread is started
 * when it is first needed, and again if it dies.
 */
export class QuestionThreads<Q, A> {
  readonly #options: QuestionThreadsOptions;
  /** By client, in the order of their turns; none is empty. */
  readonly #waiting = new Map<string, Pending<Q, A>[]>();
  readonly #threads: Thread<Q, A>[];

  constructor(options: QuestionThreadsOptions) {
    this.#options = options;
    const count = options.threads ?? (availableParallelism() >= 8 ? 3 : 2);
    this.#threads = Array.from({ length: count }, () => ({ worker: undefined, running: undefined }));
  }

  /**
   * @param limits a question past its deadline or without a client is not asked any more; of one that is being
   *   answered, nobody waits for the answer after its deadline
   * @param transfer what of the question is given away rather than copied
   * @throws HttpError as the thread refuses; UnavailableError if too many wait, it took too long or the thread
   *   died of this one
   */
  async ask(question: Q, limits: RunLimits = {}, transfer: ArrayBuffer[] = []): Promise<A> {
    const { maxWaiting = 64, work } = this.#options;
    const client = limits.client ?? '';
    const waiting = this.#waiting.get(client) ?? [];
    if (waiting.length >= maxWaiting) {
      throw new OverloadError(`too many requests wait for ${work}; try again later`);
    }
    const answer = new Promise<A>((resolve, reject) => {
      waiting.push({ question, transfer, limits, client, resolve, reject });
    });
    this.#waiting.set(client, waiting);
    this.#dispatch();
    if (limits.deadline === undefined || limits.deadline === Number.POSITIVE_INFINITY) return answer;
    return orRefuse(answer, limits.deadline, () => this.#tooLong());
  }

  #dispatch(): void {
    for (const thread of this.#threads) {
      if (thread.running) continue;
      thread.running = this.#take();
      if (!thread.running) {
        // It keeps no program from ending.
        thread.worker?.unref();
        continue;
      }
      thread.worker ??= this.#start(thread);
      thread.worker.ref();
      thread.worker.postMessage(thread.running.question, thread.running.transfer);
    }
  }

  /** The question whose turn it is. */
  #take(): Pending<Q, A> | undefined {
    for (const [client, waiting] of this.#waiting) {
      const has = this.#threads.filter(({ running }) => running?.client === client).length;
      if (has > 0 && has >= this.#threads.length - 1) continue;
      const next = this.#shiftWanted(waiting);
      // Whoever had a turn comes last.
      this.#waiting.delete(client);
      if (waiting.length > 0) this.#waiting.set(client, waiting);
      if (next) return next;
    }
    return undefined;
  }

  /** The first question that somebody still waits for; those before it are refused. */
  #shiftWanted(waiting: Pending<Q, A>[]): Pending<Q, A> | undefined {
    for (;;) {
      const next = waiting.shift();
      if (!next) return undefined;
      const { isGone, deadline = Number.POSITIVE_INFINITY } = next.limits;
      if (isGone?.()) next.reject(new HttpError(499, 'the client closed the connection'));
      else if (performance.now() > deadline) next.reject(this.#tooLong());
      else return next;
    }
  }

  #tooLong(): OverloadError {
    return new OverloadError(`the request waited too long for ${this.#options.work}; try again later`);
  }

  #start(thread: Thread<Q, A>): Worker {
    const { module, name, work } = this.#options;
    const worker = startWorker(module, undefined, name);
    worker.on('message', (message: ThreadAnswer<A>) => {
      const { resolve, reject } = thread.running!;
      if ('answer' in message) resolve(message.answer);
      else if ('fault' in message) reject(new Error(`${work} failed: ${message.fault}`));
      else reject(new HttpError(message.status, message.message));
      thread.running = undefined;
      this.#dispatch();
    });
    // 'exit' follows, and answers.
    worker.on('error', () => {});
    worker.once('exit', () => {
      thread.worker = undefined;
      thread.running?.reject(new UnavailableError(`${work} was interrupted; try again`));
      thread.running = undefined;
      this.#dispatch();
    });
    return worker;
  }
}

/** What of these bytes can be given away: the memory of a small Buffer is shared with others. */
export function ownBuffer({ buffer, byteLength }: Uint8Array): ArrayBuffer[] {
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}

/** As a promise, but with a refusal if it has not settled by then. */
async function orRefuse<T>(promise: Promise<T>, deadline: number, refusal: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(refusal()), Math.max(0, deadline - performance.now()));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
