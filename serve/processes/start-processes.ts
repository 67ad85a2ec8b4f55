import { AggregatorRegistry } from 'prom-client';
import { errorMessage } from '../../core/errors.ts';
import type { CountedMetric } from './messages.ts';
import { ServerProcess } from './server-process.ts';

const RESTART_DELAY_MS = 500;
const RESTART_DELAY_MAX_MS = 30_000;

export interface ProcessesOptions {
  count: number;
  /** How long one may give no sign of life before it is replaced, in seconds. */
  silenceSeconds: number;
  /** What one may take to stop, in seconds. */
  stopSeconds: number;
  /** Called when none serves any more and a replacement cannot, with the reason. */
  onHelpless: (reason: unknown) => void;
  /** Gives up while they start. */
  signal: AbortSignal;
}

/**
 * Starts this program again as several server processes that share the port: connections go to them in turn.
 * One that dies or stands still is replaced, in ever longer intervals while its replacements cannot start. Resolves once all
 * of them serve, and says so on stdout.
 * @throws UserError with the reason of the first that cannot serve; something else once given up
 */
export async function startProcesses({
  count,
  silenceSeconds,
  stopSeconds,
  onHelpless,
  signal,
}: ProcessesOptions): Promise<{ close(): Promise<void> }> {
  const processes = new Set<ServerProcess>();
  const metrics = new MetricsSum();
  let stopping = false;
  let restartDelay = RESTART_DELAY_MS;

  const serving = (): ServerProcess[] => [...processes].filter(({ isServing }) => isServing);
  const start = (isReplacement: boolean): ServerProcess => {
    const it = new ServerProcess({
      readMetrics: () => metrics.read(serving()),
      findOther: () => serving()[0],
      silenceSeconds,
      onSilent: ({ pid }) => process.stderr.write(`server process ${pid} gives no sign of life\n`),
    });
    processes.add(it);
    void it.ended.then((how) => {
      processes.delete(it);
      metrics.remove(it);
      // Of the first ones, one that never served ends the whole.
      if (!stopping && (it.hasServed || isReplacement)) replace(it, how);
    });
    return it;
  };
  const replace = (dead: ServerProcess, how: string): void => {
    process.stderr.write(`server process ${dead.pid} ended ${how}; it is replaced\n`);
    if (!dead.hasServed) restartDelay = Math.min(2 * restartDelay, RESTART_DELAY_MAX_MS);
    setTimeout(async () => {
      if (stopping) return;
      const it = start(true);
      try {
        await it.serving;
        restartDelay = RESTART_DELAY_MS;
        process.stderr.write(`server process ${it.pid} serves in its place\n`);
      } catch (error) {
        if (stopping) return;
        if (serving().length > 0) {
          process.stderr.write(`server process ${it.pid} cannot serve: ${errorMessage(error)}\n`);
        } else onHelpless(error);
      }
    }, restartDelay);
  };
  const close = async (): Promise<void> => {
    stopping = true;
    await Promise.all([...processes].map((it) => it.stop(stopSeconds)));
  };

  const first = Array.from({ length: count }, () => start(false));
  const giveUp = () => void close();
  signal.addEventListener('abort', giveUp);
  try {
    const texts = await Promise.all(first.map((it) => it.serving));
    signal.throwIfAborted();
    const pids = first.map(({ pid }) => pid).join(', ');
    process.stdout.write(texts[0]!.replace(/\n$/, `, ${count} processes: ${pids}\n`));
  } catch (error) {
    await close();
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
  return { close };
}

/** A process that is too busy to say is counted as it last was. */
const COUNT_TIMEOUT_MS = 2000;

/**
 * What several processes count, added up. What a process counted stays in the sum when it is gone: a counter
 * that falls is one that began anew to Prometheus, which would add all that is left to its rate.
 */
class MetricsSum {
  readonly #last = new Map<ServerProcess, CountedMetric[]>();
  #gone: CountedMetric[] = [];

  /** @returns Prometheus's text format */
  async read(processes: readonly ServerProcess[]): Promise<string> {
    await Promise.all(
      processes.map(async (it) => {
        const counted = await it.count(COUNT_TIMEOUT_MS);
        if (counted && it.isServing) this.#last.set(it, counted);
      }),
    );
    return AggregatorRegistry.aggregate([this.#gone, ...this.#last.values()]).metrics();
  }

  /** A process ended. */
  remove(process: ServerProcess): void {
    const last = this.#last.get(process);
    if (!last) return;
    this.#last.delete(process);
    // What it had at the moment (memory, what waits) is gone with it.
    const counters = last.filter(({ type }) => String(type) === 'counter' || String(type) === 'histogram');
    const sum = AggregatorRegistry.aggregate([this.#gone, counters]);
    this.#gone = sum.getMetricsAsArray() as unknown as CountedMetric[];
  }
}
