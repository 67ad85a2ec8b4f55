import type { Response } from 'express';
import type { RunLimits } from '../inference/pool.ts';
import type { Limits } from './limits.ts';

/** A request waits for the model as long as its client is there, and no longer than it may. */
export function runLimits(res: Response, limits: Limits): RunLimits {
  return { isGone: () => res.closed, deadline: performance.now() + limits.queueSeconds * 1000 };
}
