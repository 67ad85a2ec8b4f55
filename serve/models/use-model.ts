import type { Request, RequestHandler } from 'express';
import type { ModelReference } from './reference.ts';
import type { ModelRegistry } from './registry.ts';

type Reference = (req: Request) => string | ModelReference | undefined;

/** Puts the model that a request is for into `res.locals.model`, as it is now: a reload may stop it meanwhile. */
export function findModel(registry: ModelRegistry, reference: Reference): RequestHandler {
  return (req, res, next) => {
    res.locals.model = registry.resolve(reference(req));
    next();
  };
}

/**
 * As {@link findModel}, and keeps the model running until `res.locals.releaseModel` is called, at the latest until
 * the request is over: a reload meanwhile takes it from nobody. Whoever only sends what is ready releases it
 * before, or a client that does not read would keep it loaded.
 */
export function useModel(registry: ModelRegistry, reference: Reference): RequestHandler {
  return (req, res, next) => {
    const model = registry.resolve(reference(req));
    const release = model.lease();
    res.once('close', release);
    res.locals.releaseModel = release;
    res.locals.model = model;
    next();
  };
}
