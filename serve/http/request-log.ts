import { randomUUID } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { Metrics } from '../metrics/metrics.ts';
import type { Logger } from './logger.ts';

/** What a client may call its request: anything else would let it write what it likes into the log. */
const REQUEST_ID = /^[\w.:-]{1,128}$/;

/**
 * Gives each request an id (the client's `X-Request-Id`, if it sent one), answers with it, and logs and counts
 * the request when it is over. `res.locals.requestId` and `res.locals.route` are set.
 */
export function requestLog(logger: Logger, metrics: Metrics): RequestHandler {
  return (req, res, next) => {
    const start = performance.now();
    const sent = req.get('x-request-id');
    const requestId = sent !== undefined && REQUEST_ID.test(sent) ? sent : randomUUID();
    res.locals.requestId = requestId;
    res.setHeader('X-Request-Id', requestId);
    metrics.requestStarted();
    const { method, path } = req;
    res.once('close', () => {
      const milliseconds = performance.now() - start;
      // Not the path: each would become a time series of its own.
      const route = (res.locals.route as string | undefined) ?? 'other';
      const status = res.writableFinished ? res.statusCode : 499;
      metrics.requestEnded(knownMethod(method), route, status, milliseconds / 1000);
      const line = { requestId, method, path, status, ms: Math.round(milliseconds * 10) / 10 };
      if (status >= 500) logger.warn(line, 'request');
      else logger.info(line, 'request');
    });
    next();
  };
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'DELETE', 'PATCH']);

function knownMethod(method: string): string {
  return METHODS.has(method) ? method : 'other';
}
