import type { Express, RequestHandler } from 'express';
import { methodNotAllowed } from '../http/errors.ts';
import type { Operation } from './operation.ts';

/**
 * Routes the operations of an app; another method on a path of theirs is answered 405.
 * @param guards run before the handlers of an operation that is not open to all
 */
export function mountOperations(
  app: Express,
  operations: readonly Operation[],
  guards: RequestHandler[],
): void {
  const methods = new Map<string, string[]>();
  for (const { method, path } of operations) {
    methods.set(path, [...(methods.get(path) ?? []), ...(method === 'get' ? ['GET', 'HEAD'] : ['POST'])]);
  }
  for (const { method, path, open, handlers } of operations) {
    const setRoute: RequestHandler = (_req, res, next) => {
      res.locals.route = path;
      next();
    };
    app[method](expressPath(path), setRoute, ...(open ? [] : guards), ...handlers);
  }
  for (const [path, allowed] of methods) app.all(expressPath(path), methodNotAllowed(...allowed));
}

/** `/models/{model}` as `/models/:model`. */
function expressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}
