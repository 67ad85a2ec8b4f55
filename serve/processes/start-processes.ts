import cluster, { type Worker } from 'node:cluster';
import { AggregatorRegistry, type RegistryContentType } from 'prom-client';
import { UserError } from '../../core/errors.ts';
import type { ToPrimary, ToWorker } from './messages.ts';

const RESTART_DELAY_MS = 500;

/**
 * Starts this program again as several server processes that share the port: connections go to them in turn.
 * One that dies is replaced. Resolves once all of them serve, and says so on stdout.
 * @throws UserError with the reason of the first that cannot
 */
export async function startProcesses(count: number): Promise<{ close(): Promise<void> }> {
  let stopping = false;
  // Also collects what the processes count.
  const metrics = new AggregatorRegistry();
  const serving = Array.from({ length: count }, () => startProcess(metrics));
  const texts = await Promise.all(serving.map(({ started }) => started)).catch((error: unknown) => {
    for (const { worker } of serving) worker.process.kill('SIGKILL');
    throw error;
  });
  process.stdout.write(texts[0]!.replace(/\n$/, `, ${count} processes\n`));
  cluster.on('exit', (worker) => {
    if (stopping) return;
    process.stderr.write(`server process ${worker.process.pid} died; it is replaced\n`);
    setTimeout(() => {
      if (stopping) return;
      // A replacement that cannot start exits, and is replaced in turn.
      startProcess(metrics).started.catch((error: Error) => process.stderr.write(`${error.message}\n`));
    }, RESTART_DELAY_MS);
  });
  return {
    async close(): Promise<void> {
      stopping = true;
      const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
      await Promise.all(
        workers.map(
          (worker) =>
            new Promise<void>((resolve) => {
              worker.once('exit', () => resolve());
              tell(worker, { type: 'stop' });
            }),
        ),
      );
    },
  };
}

function startProcess(metrics: AggregatorRegistry<RegistryContentType>): {
  worker: Worker;
  started: Promise<string>;
} {
  const worker = cluster.fork();
  const started = new Promise<string>((resolve, reject) => {
    worker.on('message', (message: ToPrimary) => {
      if (message.type === 'serving') resolve(message.text);
      else if (message.type === 'failed') reject(new UserError(message.reason));
      else if (message.type === 'metrics-wanted') {
        void metrics.clusterMetrics().then(
          (text) => tell(worker, { type: 'metrics', id: message.id, text }),
          // The process that asked, or another, died meanwhile; the next question will be answered.
          (error: Error) => tell(worker, { type: 'metrics', id: message.id, text: `# ${error.message}\n` }),
        );
      }
    });
    worker.once('exit', (code) => reject(new UserError(`a server process ended with code ${code}`)));
  });
  return { worker, started };
}

function tell(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message);
}
