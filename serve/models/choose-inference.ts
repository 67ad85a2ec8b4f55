import { availableParallelism } from 'node:os';
import type { InferencePoolOptions } from '../inference/pool.ts';

type Choice = Pick<InferencePoolOptions, 'workers' | 'threads' | 'soloThreads'>;

/** More batches at a time would hold more memory than they gain speed. */
const MAX_WORKERS = 8;

/**
 * How many inference threads to start and how many threads each splits an operator over. A core of its own for
 * each batch gives the most images a second, all cores for one batch the shortest time; left to us, there are
 * workers for either.
 * @param wanted what was asked for; the rest is chosen to fit
 * @param cores of this process
 */
export function chooseInference(
  wanted: { workers?: number | undefined; threads?: number | undefined } = {},
  cores = availableParallelism(),
): Choice {
  const share = (parts: number): number => Math.max(1, Math.floor(cores / parts));
  if (wanted.workers !== undefined || wanted.threads !== undefined) {
    const workers = wanted.workers ?? share(wanted.threads!);
    return { workers, threads: wanted.threads ?? share(workers) };
  }
  const workers = Math.min(cores, MAX_WORKERS);
  const threads = share(workers);
  return { workers, threads, ...(cores > threads && { soloThreads: cores }) };
}
