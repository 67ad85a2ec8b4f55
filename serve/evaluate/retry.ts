import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 5000;

/** Why an attempt failed, and whether another may succeed. */
export interface Failure {
  message: string;
  retry: boolean;
  /** How long the server asks to wait, in seconds. */
  retryAfter?: number | undefined;
}

/**
 * Attempts until one succeeds, cannot, or `patienceMs` are over; waits twice as long after each failure, up to
 * 5 s, and a little at random so that clients do not come back all at once.
 * @param onRetry told of each further attempt
 * @throws what `giveUp` makes of the last failure
 */
export async function retry<T>(
  attempt: () => Promise<{ value: T } | Failure>,
  patienceMs: number,
  onRetry: () => void,
  giveUp: (failure: Failure) => Error,
): Promise<T> {
  const end = performance.now() + patienceMs;
  for (let delay = FIRST_DELAY_MS; ; delay = Math.min(2 * delay, LONGEST_DELAY_MS)) {
    const outcome = await attempt();
    if ('value' in outcome) return outcome.value;
    const wait = Math.max(delay, (outcome.retryAfter ?? 0) * 1000) * (0.8 + 0.4 * Math.random());
    if (!outcome.retry || performance.now() + wait > end) throw giveUp(outcome);
    onRetry();
    await sleep(wait);
  }
}
