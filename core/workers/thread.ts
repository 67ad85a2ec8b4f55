import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parentPort, Worker } from 'node:worker_threads';
import { errorMessage } from '../errors.ts';
import { answerCalls, type CallOptions, Calls, type CallTable, type Handlers } from './calls.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
/**
 * The folder of the build that this runs from (`onnx-classifier.js` makes it), or undefined under tsx. There
 * `import.meta.url` is the source's; the name of the file is what it is.
 */
const BUILD = import.meta.filename.endsWith('.ts') ? undefined : dirname(import.meta.filename);
/** A thread that does not come to rest by then is taken to hang. */
const PATIENCE_MS = 30_000;

/** What is asked of a thread that is gone, or goes before it has answered. */
export class ThreadEnded extends Error {
  override name = 'ThreadEnded';
}

export interface ThreadOptions {
  /** What it is called in an error, e.g. `a data loader worker`. */
  what: string;
  /** Shown by debuggers. */
  name: string;
  /** Becomes its `workerData`; shared memory in it is shared, all else is copied. */
  data?: unknown;
  /** False: while it is asked nothing it keeps no program from ending; default true. */
  keepsAlive?: boolean;
}

/**
 * A worker thread whose module answers calls with {@link serveThread}. Ours rather than piscina, which is for Node alone,
 * gives all its threads the same setup, and knows neither progress nor pauses nor turns by client.
 */
export class Thread<C extends CallTable> {
  /** Resolves when it is gone, with how: `ended with code 1`. */
  readonly ended: Promise<string>;
  readonly #worker: Worker;
  readonly #calls: Calls<C>;
  readonly #keepsAlive: boolean;
  #isEnding = false;

  /** @param module URL of the `.ts` file */
  constructor(module: URL, { what, name, data, keepsAlive = true }: ThreadOptions) {
    this.#worker = startWorker(module, data, name);
    this.#calls = new Calls((message, transfer) => this.#worker.postMessage(message, transfer));
    this.#keepsAlive = keepsAlive;
    if (!keepsAlive) this.#worker.unref();
    this.#worker.on('message', (message) => {
      this.#calls.receive(message);
      // A late answer must not undo that the process stays until the thread has ended.
      if (!keepsAlive && !this.#isEnding && this.#calls.pending === 0) this.#worker.unref();
    });
    this.ended = new Promise((resolve) => {
      let how: string | undefined;
      // 'exit' follows.
      this.#worker.once('error', (error) => {
        how = `failed: ${errorMessage(error)}`;
      });
      this.#worker.on('messageerror', (error) => this.#calls.fail(error));
      this.#worker.once('exit', (code) => {
        how ??= `ended with code ${code}`;
        resolve(how);
        this.#calls.fail(new ThreadEnded(`${what} ${how}`));
      });
    });
  }

  /** Calls that are not answered yet. */
  get pending(): number {
    return this.#calls.pending;
  }

  /** @throws what the thread throws, see {@link Calls.call}; {@link ThreadEnded} */
  call<K extends keyof C & string>(
    call: K,
    params: C[K]['params'],
    options?: CallOptions<C[K]['progress']>,
  ): Promise<C[K]['result']> {
    if (!this.#keepsAlive) this.#worker.ref();
    return this.#calls.call(call, params, options);
  }

  /** Nobody waits for its answers any more. */
  fail(reason: Error): void {
    this.#calls.fail(reason);
  }

  /**
   * Ends the thread once it rests. One that is ended while it is inside onnxruntime, loading a model or running one,
   * takes the whole process with it: the binding then throws where nothing catches.
   * @param now it is not
   */
  async end({ now = false } = {}): Promise<void> {
    this.#isEnding = true;
    const given = new AbortController();
    const patience = sleep(PATIENCE_MS, undefined, { signal: given.signal }).catch(() => {});
    if (!now) await Promise.race([this.#calls.rest, patience]);
    given.abort();
    await this.#worker.terminate();
    await this.ended;
  }
}

/** In the thread's module: answers its calls from now on. */
export function serveThread<C extends CallTable>(handlers: Handlers<C>): void {
  const port = parentPort!;
  port.on(
    'message',
    answerCalls<C>(handlers, (message, transfer) => port.postMessage(message, transfer)),
  );
}

/**
 * Starts a worker thread from a `.ts` file, or from its built form. Node 20 gives a worker's entry file to its own
 * loader before tsx's hooks are in place ("Unknown file extension .ts"), whatever `execArgv` says, so there the
 * thread starts from a line of JavaScript that registers tsx and then imports the file. tsx is resolved from here
 * and not from the working directory.
 */
function startWorker(script: URL, workerData: unknown, name: string): Worker {
  const options = { execArgv: [], workerData, name };
  const built = builtForm(script);
  if (built !== undefined) return new Worker(built, options);
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const entry = JSON.stringify(script.href);
  return new Worker(`import(${tsx}).then(({ register }) => { register(); return import(${entry}); });`, {
    eval: true,
    ...options,
  });
}

/**
 * Node's arguments that run a `.ts` file in a process of its own.
 * @param script URL of the `.ts` file
 */
export function processArguments(script: URL): string[] {
  const built = builtForm(script);
  return built === undefined ? ['--import', import.meta.resolve('tsx'), fileURLToPath(script)] : [built];
}

function builtForm(script: URL): string | undefined {
  if (BUILD === undefined) return undefined;
  const path = join(BUILD, relative(PROJECT, fileURLToPath(script)).replace(/\.ts$/, '.js'));
  // A test's own thread is none of the build.
  return existsSync(path) ? path : undefined;
}
