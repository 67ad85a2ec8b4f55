import type { MeasuredProcess } from './child-process.ts';
import { median, relativeSpread } from './statistics.ts';

export interface Measured {
  /** Batches a second, one value a round. */
  rates: number[];
  /** Median of them. */
  rate: number;
  /** Relative spread of them. */
  spread: number;
}

export interface AlternateOptions {
  rounds: number;
  /** About how long a turn takes. */
  secondsPerTurn: number;
}

/**
 * Times several processes by turns, so that whatever slows the machine for a while slows all of them. Each
 * round begins with another one, for the first of a round finds another machine than the last.
 */
export async function alternate(
  processes: readonly MeasuredProcess[],
  { rounds, secondsPerTurn }: AlternateOptions,
): Promise<Measured[]> {
  const counts: number[] = [];
  for (const child of processes) counts.push(await batchesOfTurn(child, secondsPerTurn));
  const rates = processes.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < processes.length; turn++) {
      const index = (round + turn) % processes.length;
      rates[index]!.push(counts[index]! / (await processes[index]!.run(counts[index]!)));
    }
  }
  return rates.map((values) => ({ rates: values, rate: median(values), spread: relativeSpread(values) }));
}

/** The median over the rounds of how much faster `measured` was than `base` in the same round. */
export function speedRatio(measured: Measured, base: Measured): number {
  return median(measured.rates.map((rate, round) => rate / base.rates[round]!));
}

/** The first batches say little of one that has some in stock: it is tried with more until a trial takes a while. */
async function batchesOfTurn(child: MeasuredProcess, secondsPerTurn: number): Promise<number> {
  for (let count = 1; ; count *= 4) {
    const seconds = await child.run(count);
    if (seconds > secondsPerTurn / 8) return Math.max(1, Math.round((count * secondsPerTurn) / seconds));
  }
}
