import { availableParallelism } from 'node:os';
import { errorMessage, UserError } from '../../core/errors.ts';
import type { Metrics } from '../http/metrics.ts';
import { type RunningServer, type ServerOptions, startServer, startupText } from '../server.ts';
import { ALIVE_MS, type CountedMetric, type ToPrimary, type ToWorker } from './messages.ts';

/** One of several server processes behind a port: serves until the process that started it says stop. */
export async function runClusterWorker(options: ServerOptions, processes: number): Promise<void> {
  // Ctrl-C reaches the whole group; who stops, and when, is for the first process to say.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  const waiting = new Map<number, (text: string) => void>();
  let nextId = 0;
  let server: RunningServer | undefined;
  const starting = new AbortController();
  const stop = (): void => {
    starting.abort();
    void server?.close().then(() => process.exit(0));
  };
  process.on('message', (message: ToWorker) => {
    if (message.type === 'stop') stop();
    else if (message.type === 'count') void count(message.id, server?.metrics);
    else if (message.type === 'metrics') {
      waiting.get(message.id)?.(message.text);
      waiting.delete(message.id);
    }
  });
  // Without its parent nobody would ever stop it.
  process.on('disconnect', stop);
  try {
    server = await startServer({
      ...options,
      cores: Math.max(1, Math.floor(availableParallelism() / processes)),
      // Connections come as soon as it listens, and there are other processes that can answer them.
      listenWhenReady: true,
      signal: starting.signal,
      readMetrics: () =>
        new Promise((resolve) => {
          const id = nextId++;
          waiting.set(id, resolve);
          send({ type: 'metrics-wanted', id });
        }),
    });
    send({ type: 'serving', text: startupText(server) });
    setInterval(() => process.connected && send({ type: 'alive' }), ALIVE_MS).unref();
  } catch (error) {
    if (starting.signal.aborted) process.exit(0);
    const reason =
      error instanceof UserError ? error.message : ((error as Error).stack ?? errorMessage(error));
    process.send!({ type: 'failed', reason } satisfies ToPrimary, () => process.exit(1));
  }
}

async function count(id: number, metrics: Metrics | undefined): Promise<void> {
  // Its type says that a histogram's values have no name of their own; they do.
  const counted = (await metrics?.registry.getMetricsAsJSON()) as unknown as CountedMetric[] | undefined;
  send({ type: 'counted', id, metrics: counted ?? [] });
}

function send(message: ToPrimary): void {
  process.send!(message);
}
