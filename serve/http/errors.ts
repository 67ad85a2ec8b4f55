import type { ErrorRequestHandler, RequestHandler } from 'express';
import { HttpError } from './http-error.ts';

/** Answers a known path asked with another method. */
export function methodNotAllowed(...allowed: string[]): RequestHandler {
  return (req, res) => {
    res.set('Allow', allowed.join(', '));
    throw new HttpError(405, `${req.method} is not allowed here; use ${allowed.join(' or ')}`);
  };
}

/** Answers a path that nothing handles. */
export const notFound: RequestHandler = (req) => {
  throw new HttpError(404, `there is nothing at ${req.path}`);
};

/** The last handler: every error as `{ "error": "..." }`; our own bugs go to the log, not to the client. */
export const answerError: ErrorRequestHandler = (error: unknown, _req, res, next) => {
  if (res.headersSent) {
    next(error);
    return;
  }
  if (error instanceof HttpError) {
    if (error.status === 503) res.set('Retry-After', '1');
    res.status(error.status).json({ error: error.message });
    return;
  }
  // Express and its parts mark what the client got wrong (a malformed address, say) with a 4xx status.
  const { status } = error as { status?: unknown };
  if (typeof status === 'number' && status >= 400 && status < 500) {
    res.status(status).json({ error: status === 404 ? 'not found' : 'malformed request' });
    return;
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  res.status(500).json({ error: 'internal error; the server log has the details' });
};
