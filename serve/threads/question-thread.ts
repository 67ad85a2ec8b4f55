import type { Worker } from 'node:worker_threads';
import { startWorker } from '../../core/workers/start-worker.ts';
import { HttpError, OverloadError, UnavailableError } from '../http/http-error.ts';
import type { RunLimits } from '../inference/pool.ts';

/** From the thread, in the order of the questions: the answer, a refusal for the client, or a fault of ours. */
export type ThreadAnswer<A> = { answer: A } | { status: number; message: string } | { fault: string };

export interface QuestionThreadOptions {
  /** It calls `answerQuestions`. */
  module: URL;
  /** Shown by debuggers. */
  name: string;
  /** Most questions that may wait (default 64). */
  maxWaiting?: number;
  /** What is done, for messages: `decoding the image`. */
  work: string;
}

interface Pending<Q, A> {
  question: Q;
  transfer: ArrayBuffer[];
  limits: RunLimits;
  resolve(answer: A): void;
  reject(error: unknown): void;
}

/**
 * A thread for what would hold up the event loop. It is asked one thing at a time: many at once would need
 * gigabytes. It is started when it is first needed, and again if it dies.
 */
export class QuestionThread<Q, A> {
  readonly #options: QuestionThreadOptions;
  readonly #waiting: Pending<Q, A>[] = [];
  #running: Pending<Q, A> | undefined;
  #worker: Worker | undefined;

  constructor(options: QuestionThreadOptions) {
    this.#options = options;
  }

  /**
   * @param limits a question past its deadline or without a client is not asked any more
   * @param transfer what of the question is given away rather than copied
   * @throws HttpError as the thread refuses; UnavailableError if too many wait or the thread died of this one
   */
  async ask(question: Q, limits: RunLimits = {}, transfer: ArrayBuffer[] = []): Promise<A> {
    const { maxWaiting = 64, work } = this.#options;
    if (this.#waiting.length >= maxWaiting) {
      throw new OverloadError(`too many requests wait for ${work}; try again later`);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, transfer, limits, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#running) return;
    this.#running = this.#take();
    if (!this.#running) {
      // It keeps no program from ending.
      this.#worker?.unref();
      return;
    }
    this.#worker ??= this.#start();
    this.#worker.ref();
    this.#worker.postMessage(this.#running.question, this.#running.transfer);
  }

  #take(): Pending<Q, A> | undefined {
    for (;;) {
      const next = this.#waiting.shift();
      if (!next) return undefined;
      const { isGone, deadline = Number.POSITIVE_INFINITY } = next.limits;
      if (isGone?.()) next.reject(new HttpError(499, 'the client closed the connection'));
      else if (performance.now() > deadline) {
        next.reject(
          new OverloadError(`the request waited too long for ${this.#options.work}; try again later`),
        );
      } else return next;
    }
  }

  #start(): Worker {
    const { module, name, work } = this.#options;
    const worker = startWorker(module, undefined, name);
    worker.on('message', (message: ThreadAnswer<A>) => {
      const { resolve, reject } = this.#running!;
      if ('answer' in message) resolve(message.answer);
      else if ('fault' in message) reject(new Error(`${work} failed: ${message.fault}`));
      else reject(new HttpError(message.status, message.message));
      this.#running = undefined;
      this.#next();
    });
    // 'exit' follows, and answers.
    worker.on('error', () => {});
    worker.once('exit', () => {
      this.#worker = undefined;
      this.#running?.reject(new UnavailableError(`${work} was interrupted; try again`));
      this.#running = undefined;
      this.#next();
    });
    return worker;
  }
}
