import type { Response } from 'express';
import type { RunLimits } from '../inference/pool.ts';
import { clientAddress } from './client-address.ts';
import type { Limits } from './limits.ts';

/**
 * A request waits for what it needs (reading, decoding, the model) as long as its client is there, and no longer
 * than it may, beginning with the first call.
 */
export function runLimits(res: Response, limits: Limits): RunLimits {
  res.locals.runLimits ??= {
    isGone: () => res.closed,
    deadline: performance.now() + limits.queueSeconds * 1000,
    client: clientAddress(res.req),
  } satisfies RunLimits;
  return res.locals.runLimits as RunLimits;
}
