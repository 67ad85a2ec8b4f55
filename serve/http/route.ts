import type { ErrorRequestHandler, Express, RequestHandler } from 'express';
import type { z } from 'zod';
import { OverloadError, Refusal } from '../../core/errors.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import { RequestContext } from './request-context.ts';

/** What a body or an answer may be, by media type; a Zod schema, or null for bytes. */
export type Content = Record<string, z.ZodType | null>;

/** One endpoint: how it is asked, what it does, and what the OpenAPI document says of it. One source for all. */
export interface Route {
  method: 'get' | 'post';
  /** With parameters in braces: `/v2/models/{model}`. */
  path: string;
  id: string;
  summary: string;
  tag: string;
  params?: z.ZodObject;
  query?: z.ZodObject;
  /** Request headers with a meaning of their own. */
  headers?: Record<string, { description: string; schema: z.ZodType }>;
  body?: Content;
  /** Whether it may be left out. */
  bodyOptional?: boolean;
  answers: Record<number, { description: string; content: Content }>;
  /** The statuses of refusals; those every endpoint has are added. */
  refusals?: number[];
  /** Whether it may be asked without the API key. */
  open?: boolean;
  /** @throws Refusal */
  handle(context: RequestContext): void | Promise<void>;
}

/** For {@link Route.answers} and {@link Route.body}. */
export const json = (schema: z.ZodType): Content => ({ 'application/json': schema });

/**
 * Gives an app its routes; another method on a path of theirs is answered 405.
 * @param guards run before those that are not open to all
 */
export function mountRoutes(app: Express, routes: readonly Route[], guards: RequestHandler[]): void {
  const methods = new Map<string, string[]>();
  for (const route of routes) {
    const { method, path, open } = route;
    methods.set(path, [...(methods.get(path) ?? []), ...(method === 'get' ? ['GET', 'HEAD'] : ['POST'])]);
    const setRoute: RequestHandler = (_req, res, next) => {
      RequestContext.of(res).route = path;
      next();
    };
    app[method](expressPath(path), setRoute, ...(open ? [] : guards), (_req, res) =>
      route.handle(RequestContext.of(res)),
    );
  }
  for (const [path, allowed] of methods) {
    app.all(expressPath(path), (req, res) => {
      res.set('Allow', allowed.join(', '));
      throw new Refusal(405, `${req.method} is not allowed here; use ${allowed.join(' or ')}`);
    });
  }
}

/** `/models/{model}` as `/models/:model`. */
function expressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
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
    if (status === 500) logger.error({ requestId: RequestContext.of(res).id, err: error }, 'internal error');
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
