import { AggregatorRegistry } from 'prom-client';
import type { CountedMetric } from './messages.ts';
import type { ServerProcess } from './server-process.ts';

/** A process that is too busy to say is counted as it last was. */
const COUNT_TIMEOUT_MS = 2000;

/**
 * What several processes count, added up. What a process counted stays in the sum when it is gone: a counter
 * that falls is one that began anew to Prometheus, which would add all that is left to its rate.
 */
export class MetricsSum {
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
