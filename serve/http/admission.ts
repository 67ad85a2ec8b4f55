import type { RequestHandler } from 'express';
import { OverloadError } from './http-error.ts';
import type { Limits } from './limits.ts';

/**
 * Bounds what all requests together may hold: refuses with 503 before the body is read, when too many are
 * under way or their bodies would be too large together.
 */
export function admission(limits: Limits): RequestHandler {
  let requests = 0;
  let bytes = 0;
  return (req, res, next) => {
    const declared = Number(req.headers['content-length'] ?? Number.NaN);
    // A body sent in chunks does not say; it may become as large as one is allowed to be.
    const size = Math.min(Number.isNaN(declared) ? limits.bodyBytes : declared, limits.bodyBytes);
    if (requests >= limits.requests || (bytes > 0 && bytes + size > limits.totalBodyBytes)) {
      throw new OverloadError('the server is overloaded; try again later');
    }
    requests++;
    bytes += size;
    res.once('close', () => {
      requests--;
      bytes -= size;
    });
    next();
  };
}
