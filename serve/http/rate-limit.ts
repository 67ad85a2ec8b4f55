import type { RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import { Refusal } from '../../core/errors.ts';

const WINDOW_MS = 60_000;

/**
 * Refuses an address that asks more than `perMinute` times in a minute with 429 and `Retry-After`. Each server
 * process counts for itself.
 */
export function limitRate(perMinute: number, onRefusal: () => void): RequestHandler {
  return rateLimit({
    windowMs: WINDOW_MS,
    limit: perMinute,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    handler: (_req, _res, next) => {
      onRefusal();
      next(new Refusal(429, `more than ${perMinute} requests in a minute; try again later`));
    },
  });
}
