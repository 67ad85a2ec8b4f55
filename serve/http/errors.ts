import type { ErrorRequestHandler, RequestHandler } from 'express';
import { OverloadError, Refusal } from '../../core/errors.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Logger } from './logger.ts';

/** Answers a known path asked with another method. */
export function methodNotAllowed(...allowed: string[]): RequestHandler {
  return (req, res) => {
    res.set('Allow', allowed.join(', '));
    throw new Refusal(405, `${req.method} is not allowed here; use ${allowed.join(' or ')}`);
  };
}

/** Answers a path that nothing handles. */
export const notFound: RequestHandler = (req) => {
  throw new Refusal(404, `there is nothing at ${req.path}`);
};

/** The last handler: every error as `{ "error": "..." }`; our own bugs go to the log, not to the client. */
export function answerError(logger: Logger, metrics: Metrics): ErrorRequestHandler {
  return (error: unknown, _req, res, _next) => {
    if (res.headersSent) {
      // Half an answer is none.
      if (!res.writableEnded) res.destroy();
      return;
    }
    if (error instanceof OverloadError) metrics.rejected('overload');
    const { status, message, retryAfter } = describe(error);
    if (retryAfter !== undefined) res.set('Retry-After', String(retryAfter));
    if (status === 500) {
      const { requestId } = res.locals as { requestId?: string };
      logger.error({ requestId, err: error }, 'internal error');
    }
    res.status(status).json({ error: message });
  };
}

function describe(error: unknown): { status: number; message: string; retryAfter?: number | undefined } {
  if (error instanceof Refusal) return error;
  // Express and its parts mark what the client got wrong (a malformed address, say) with a 4xx status.
  const { status } = error as { status?: unknown };
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return { status, message: status === 404 ? 'not found' : 'malformed request' };
  }
  return { status: 500, message: 'internal error; the server log has the details' };
}
