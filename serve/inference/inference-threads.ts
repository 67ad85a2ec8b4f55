import { UnavailableError, UserError } from '../../core/errors.ts';
import type { RuntimeName } from '../../core/runtime/runtimes.ts';
import { Thread, ThreadEnded } from '../../core/workers/thread.ts';
import type { InferenceCalls, InferenceSetup } from './worker.ts';

/** One inference thread, which runs one batch at a time. */
export class InferenceThread {
  /** Settles when it can take work, or with the reason why it never will. */
  readonly ready: Promise<void>;
  /** Once ready: why images must be run one by one, if that was tried and is so. */
  batchProblem: string | undefined;
  /** Once ready: what runs the model, and why if that was chosen by trial. */
  runtime: RuntimeName | undefined;
  note: string | undefined;
  /** Resolves when it is gone, with how. */
  readonly ended: Promise<string>;
  readonly #thread: Thread<InferenceCalls>;
  readonly #maySurvive: boolean;
  #state: 'loading' | 'ready' | 'gone' = 'loading';
  #isBusy = false;

  constructor(module: URL, data: InferenceSetup) {
    this.#thread = new Thread(module, { what: 'the inference worker', name: 'inference', data });
    this.#maySurvive = data.runtime !== undefined && data.runtime !== 'onnxruntime';
    this.ready = this.#open();
    this.ended = this.#thread.ended;
    void this.ended.then(() => {
      this.#state = 'gone';
    });
  }

  get isReady(): boolean {
    return this.#state === 'ready';
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  async #open(): Promise<void> {
    try {
      const { batchProblem, runtime, note } = await this.#thread.call('open', undefined);
      Object.assign(this, { batchProblem, runtime, note });
      this.#state = 'ready';
    } catch (error) {
      if (error instanceof ThreadEnded) throw error;
      void this.stop();
      throw new UserError(`the model cannot be run: ${(error as Error).message.split('\n')[0]}`);
    }
  }

  /**
   * Runs a batch; the thread must be ready and not busy.
   * @param input [images, 3, height, width]; its buffer is transferred, not copied
   * @returns logits, [images, classes]
   * @throws UnavailableError if the thread dies of it
   */
  async run(
    input: Float32Array<ArrayBuffer>,
    images: number,
  ): Promise<{ logits: Float32Array; milliseconds: number }> {
    this.#isBusy = true;
    try {
      return await this.#thread.call('run', { input, images }, { transfer: [input.buffer] });
    } catch (error) {
      if (error instanceof ThreadEnded) throw new UnavailableError('inference was interrupted; try again');
      throw new Error(`inference failed: ${(error as Error).message}`);
    } finally {
      this.#isBusy = false;
    }
  }

  /** Ends the thread when it has loaded the model, or has run the batch that it has. */
  stop(): Promise<void> {
    // What OpenVINO holds is freed by name only; onnxruntime's sessions go with their thread.
    if (this.#maySurvive) this.#thread.call('close', undefined).catch(() => {});
    return this.#thread.end();
  }
}

export interface InferenceThreadsOptions {
  /** The workers' module. */
  module: URL;
  /** One for each worker. */
  setups: InferenceSetup[];
  /** A worker can take work. */
  onReady: () => void;
  /** A worker died. */
  onCrash: (reason: string) => void;
  /** The last worker died before it was ready: nobody will take work soon. */
  onHelpless: () => void;
}

const RESTART_DELAY_MS = 100;
const RESTART_DELAY_MAX_MS = 10_000;

/** Inference threads with a place each; one that dies is replaced, in ever longer intervals if it cannot start. */
export class InferenceThreads {
  readonly #options: InferenceThreadsOptions;
  /** By place. */
  readonly #workers = new Map<number, InferenceThread>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  #restartDelay = RESTART_DELAY_MS;
  #closed = false;

  constructor(options: InferenceThreadsOptions) {
    this.#options = options;
  }

  /**
   * Resolves once all workers are ready. The first starts before the others, which then find what it prepared, and run
   * the model in the same runtime.
   * @returns what the first one found out
   * @throws UserError if the model cannot be run
   */
  async start(): Promise<Pick<InferenceThread, 'batchProblem' | 'runtime' | 'note'>> {
    const { setups } = this.#options;
    const [first, ...others] = setups.keys();
    const worker = this.#spawn(first!);
    await worker.ready;
    const { batchProblem, runtime, note } = worker;
    if (runtime) for (const setup of setups) setup.runtime = runtime;
    // One that replaces it need not try again.
    delete setups[first!]!.tryBatch;
    await Promise.all(others.map((place) => this.#spawn(place).ready));
    return { batchProblem, runtime, note };
  }

  get anyReady(): boolean {
    return [...this.#workers.values()].some((worker) => worker.isReady);
  }

  get anyBusy(): boolean {
    return [...this.#workers.values()].some((worker) => worker.isBusy);
  }

  /** Workers that can take work now, by place. */
  get idle(): Map<number, InferenceThread> {
    return new Map([...this.#workers].filter(([, worker]) => worker.isReady && !worker.isBusy));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop()));
  }

  #spawn(place: number): InferenceThread {
    const { module, setups, onReady, onCrash, onHelpless } = this.#options;
    const worker = new InferenceThread(module, setups[place]!);
    this.#workers.set(place, worker);
    worker.ready.then(
      () => {
        wasReady = true;
        this.#restartDelay = RESTART_DELAY_MS;
        onReady();
      },
      // `start` reports it; a replacement that fails is replaced in turn, below.
      () => {},
    );
    let wasReady = false;
    void worker.ended.then((how) => {
      this.#workers.delete(place);
      if (this.#closed) return;
      onCrash(`it ${how}`);
      if (!wasReady) {
        this.#restartDelay = Math.min(this.#restartDelay * 2, RESTART_DELAY_MAX_MS);
        if (this.#workers.size === 0) onHelpless();
      }
      const timer = setTimeout(() => {
        this.#restarts.delete(timer);
        this.#spawn(place);
      }, this.#restartDelay);
      this.#restarts.add(timer);
    });
    return worker;
  }
}
