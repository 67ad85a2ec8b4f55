import type { WorkerSetup } from './protocol.ts';
import { InferenceWorker } from './worker-handle.ts';

export interface CrewOptions {
  /** The workers' module. */
  module: URL;
  /** One for each worker. */
  setups: readonly WorkerSetup[];
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
export class Crew {
  readonly #options: CrewOptions;
  /** By place. */
  readonly #workers = new Map<number, InferenceWorker>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  #restartDelay = RESTART_DELAY_MS;
  #closed = false;

  constructor(options: CrewOptions) {
    this.#options = options;
  }

  /**
   * Resolves once all workers are ready. The first starts before the others, which then find what it prepared.
   * @returns the first one's `batchProblem`
   * @throws UserError if the model cannot be run
   */
  async start(): Promise<string | undefined> {
    const [first, ...others] = this.#options.setups.keys();
    const worker = this.#spawn(first!);
    await worker.ready;
    await Promise.all(others.map((place) => this.#spawn(place).ready));
    return worker.batchProblem;
  }

  get anyReady(): boolean {
    return [...this.#workers.values()].some((worker) => worker.isReady);
  }

  get anyBusy(): boolean {
    return [...this.#workers.values()].some((worker) => worker.isBusy);
  }

  /** Workers that can take work now, by place. */
  get idle(): Map<number, InferenceWorker> {
    return new Map([...this.#workers].filter(([, worker]) => worker.isReady && !worker.isBusy));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop()));
  }

  #spawn(place: number): InferenceWorker {
    const { module, setups, onReady, onCrash, onHelpless } = this.#options;
    const worker = new InferenceWorker(module, setups[place]!);
    this.#workers.set(place, worker);
    worker.ready.then(
      () => {
        this.#restartDelay = RESTART_DELAY_MS;
        onReady();
      },
      // `start` reports it; a replacement that fails is replaced in turn, below.
      () => {},
    );
    void worker.exited.then((wasReady) => {
      this.#workers.delete(place);
      if (this.#closed) return;
      onCrash(worker.failure);
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
