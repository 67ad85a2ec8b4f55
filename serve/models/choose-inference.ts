import { availableParallelism } from 'node:os';

/**
 * How many inference threads to start and how many threads each splits an operator over.
 * @param cores of this process
 */
export function chooseInference(cores = availableParallelism()): { workers: number; threads: number } {
  return { workers: 1, threads: cores };
}
