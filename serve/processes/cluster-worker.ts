import { availableParallelism } from 'node:os';
import { AggregatorRegistry } from 'prom-client';
import { errorMessage, UserError } from '../../core/errors.ts';
import { type ServerOptions, startServer } from '../server.ts';
import { startupText } from '../startup-text.ts';
import type { ToPrimary, ToWorker } from './messages.ts';

/** One of several server processes behind a port: serves until the process that started it says stop. */
export async function runClusterWorker(options: ServerOptions, processes: number): Promise<void> {
  // Ctrl-C reaches the whole group; who stops, and when, is for the first process to say.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  const waiting = new Map<number, (text: string) => void>();
  let nextId = 0;
  let stop = (): void => process.exit(0);
  process.on('message', (message: ToWorker) => {
    if (message.type === 'stop') stop();
    else if (message.type === 'metrics') {
      waiting.get(message.id)?.(message.text);
      waiting.delete(message.id);
    }
  });
  // Without its parent nobody would ever stop it.
  process.on('disconnect', () => stop());
  try {
    const server = await startServer({
      ...options,
      cores: Math.max(1, Math.floor(availableParallelism() / processes)),
      readMetrics: () =>
        new Promise((resolve) => {
          const id = nextId++;
          waiting.set(id, resolve);
          send({ type: 'metrics-wanted', id });
        }),
    });
    // Answers the first process when it collects what all of them count.
    new AggregatorRegistry();
    AggregatorRegistry.setRegistries(server.metrics.registry);
    stop = () => void server.close().then(() => process.exit(0));
    send({ type: 'serving', text: startupText(server), url: server.url });
  } catch (error) {
    const reason =
      error instanceof UserError ? error.message : ((error as Error).stack ?? errorMessage(error));
    process.send!({ type: 'failed', reason } satisfies ToPrimary, () => process.exit(1));
  }
}

function send(message: ToPrimary): void {
  process.send!(message);
}
