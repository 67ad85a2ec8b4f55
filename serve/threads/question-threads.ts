import { availableParallelism, setPriority } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { OverloadError, Refusal, UnavailableError, UserError } from '../../core/errors.ts';
import { serveThread, Thread, ThreadEnded } from '../../core/workers/thread.ts';
import type { RunLimits } from '../inference/pool.ts';

/** What such a thread does. */
export type QuestionCalls<Q, A> = { answer: { params: Q; result: A } };

export interface QuestionThreadsOptions {
  /** It calls {@link answerQuestions}. */
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

interface Place<Q, A> {
  thread: Thread<QuestionCalls<Q, A>> | undefined;
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
  readonly #places: Place<Q, A>[];

  constructor(options: QuestionThreadsOptions) {
    this.#options = options;
    const count = options.threads ?? (availableParallelism() >= 8 ? 3 : 2);
    this.#places = Array.from({ length: count }, () => ({ thread: undefined, running: undefined }));
  }

  /**
   * @param limits a question past its deadline or without a client is not asked any more; of one that is being
   *   answered, nobody waits for the answer after its deadline
   * @param transfer what of the question is given away rather than copied
   * @throws Refusal as the thread refuses; UnavailableError if too many wait, it took too long or the thread
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
    for (const place of this.#places) {
      if (place.running) continue;
      place.running = this.#take();
      if (!place.running) continue;
      place.thread ??= this.#start(place);
      void this.#answer(place.thread, place.running).finally(() => {
        place.running = undefined;
        this.#dispatch();
      });
    }
  }

  async #answer(thread: Thread<QuestionCalls<Q, A>>, pending: Pending<Q, A>): Promise<void> {
    const { question, transfer, resolve, reject } = pending;
    const { work } = this.#options;
    try {
      resolve(await thread.call('answer', question, { transfer }));
    } catch (error) {
      if (error instanceof ThreadEnded) reject(new UnavailableError(`${work} was interrupted; try again`));
      else if (error instanceof Refusal || error instanceof UserError) reject(error);
      else reject(new Error(`${work} failed: ${(error as Error).stack}`));
    }
  }

  /** The question whose turn it is. */
  #take(): Pending<Q, A> | undefined {
    for (const [client, waiting] of this.#waiting) {
      const has = this.#places.filter(({ running }) => running?.client === client).length;
      if (has > 0 && has >= this.#places.length - 1) continue;
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
      if (isGone?.()) next.reject(new Refusal(499, 'the client closed the connection'));
      else if (performance.now() > deadline) next.reject(this.#tooLong());
      else return next;
    }
  }

  #tooLong(): OverloadError {
    return new OverloadError(`the request waited too long for ${this.#options.work}; try again later`);
  }

  #start(place: Place<Q, A>): Thread<QuestionCalls<Q, A>> {
    const { module, name, work } = this.#options;
    const thread = new Thread<QuestionCalls<Q, A>>(module, { what: work, name, keepsAlive: false });
    void thread.ended.then(() => {
      place.thread = undefined;
    });
    return thread;
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

/**
 * What the module of {@link QuestionThreads} does.
 * @param transfer what of an answer is given away rather than copied
 */
export function answerQuestions<Q, A>(
  answer: (question: Q) => A | Promise<A>,
  transfer: (answer: A) => ArrayBuffer[] = () => [],
): void {
  yieldToOthers();
  serveThread<QuestionCalls<Q, A>>({
    answer: async (question, context) => {
      try {
        const found = await answer(question);
        context.transfer(...transfer(found));
        return found;
      } finally {
        // In a turn of its own, in which nothing holds the question any more.
        setImmediate(dropGarbage);
      }
    },
  });
}

/** Nearly all requests need the main thread and the model's; these come after them where there are few cores. */
function yieldToOthers(): void {
  // On Linux a thread has a priority of its own; elsewhere it is the process's.
  if (process.platform !== 'linux') return;
  try {
    setPriority(5);
  } catch {
    // As it is, then.
  }
}

/** What may be left to the garbage collector, which does not run while a thread has nothing to do. */
const GARBAGE_BYTES = 64e6;

let collect: (() => void) | undefined;

/**
 * Frees what is held no more, if there may be much of it: a picture of very many pixels, or a model that was read,
 * leaves hundreds of megabytes, which would stay until the next one comes. It stops this thread for a while.
 */
export function dropGarbage(): void {
  const { heapUsed, external } = process.memoryUsage();
  if (heapUsed + external <= GARBAGE_BYTES) return;
  if (!collect) {
    // Node's `--expose-gc`, afterwards.
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
}
