import type { Request, RequestHandler } from 'express';
import type { ModelReference } from './reference.ts';
import type { ModelRegistry } from './registry.ts';

/**
 * Puts the model that a request is for into `res.locals.model`, and keeps it running until the request is
 * over: a reload meanwhile takes it from nobody.
 */
export function useModel(
  registry: ModelRegistry,
  reference: (req: Request) => string | ModelReference | undefined,
): RequestHandler {
  return (req, res, next) => {
    const model = registry.resolve(reference(req));
    res.once('close', model.lease());
    res.locals.model = model;
    next();
  };
}
