import { createHash, timingSafeEqual } from 'node:crypto';
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

/**
 * Lets only requests through that carry the key, as `Authorization: Bearer KEY` or `X-API-Key: KEY`.
 * @param onRefusal e.g. counts
 */
export function requireApiKey(key: string, onRefusal: () => void): RequestHandler {
  const expected = digest(key);
  return (req, res, next) => {
    const [, bearer] = /^Bearer +(\S+)$/i.exec(req.get('authorization') ?? '') ?? [];
    const given = bearer ?? req.get('x-api-key');
    // Digests have one length, so neither the key's length nor how much of it is right shows in the time.
    if (given !== undefined && timingSafeEqual(digest(given), expected)) {
      next();
      return;
    }
    onRefusal();
    res.set('WWW-Authenticate', 'Bearer');
    throw new Refusal(
      401,
      'this server wants an API key, as "Authorization: Bearer KEY" or "X-API-Key: KEY"',
    );
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
