import type { RunMessage, RunsEvent } from './run-message.ts';

/** What is known of the stream of training runs. */
export interface RunStreamState {
  connected: boolean;
  /** The last to change first. */
  runs: RunMessage[];
}

/** Follows the training runs of the page's server, by server-sent events; reconnects by itself. */
export class RunStream {
  readonly #source: EventSource;
  readonly #runs = new Map<string, RunMessage>();

  /** @param onState called with every change */
  constructor(url: string, onState: (state: RunStreamState) => void) {
    this.#source = new EventSource(url);
    const report = (connected: boolean): void => {
      const runs = [...this.#runs.values()].sort((a, b) => b.changed - a.changed);
      onState({ connected, runs });
    };
    this.#source.addEventListener('runs', (event) => {
      const { changed, all } = JSON.parse((event as MessageEvent<string>).data) as RunsEvent;
      for (const run of changed) this.#runs.set(run.summary.path, withNumbers(run));
      for (const path of [...this.#runs.keys()]) if (!all.includes(path)) this.#runs.delete(path);
      report(true);
    });
    this.#source.addEventListener('error', () => report(false));
  }

  close(): void {
    this.#source.close();
  }
}

/** Gaps in the curves again, where JSON had null. */
function withNumbers(run: RunMessage): RunMessage {
  const epochs = run.epochs.map(
    (entry) =>
      Object.fromEntries(
        Object.entries(entry).map(([key, value]) => [key, value ?? Number.NaN]),
      ) as unknown as typeof entry,
  );
  return { ...run, epochs };
}
