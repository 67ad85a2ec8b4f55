import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import { ipKeyGenerator } from 'express-rate-limit';
import type { RunLimits } from '../inference/pool.ts';
import type { LoadedModel } from '../models/loaded-model.ts';
import type { Limits } from './limits.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

/** What a client may call its request: anything else would let it write what it likes into the log. */
const REQUEST_ID = /^[\w.:-]{1,128}$/;
const METHODS = new Set(['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'DELETE', 'PATCH']);

const contexts = new WeakMap<Response, RequestContext>();

/** What is known of a request under way. */
export class RequestContext {
  readonly req: Request;
  readonly res: Response;
  /** The client's `X-Request-Id`, if it sent one. */
  readonly id: string;
  /** The path of its route, for metrics: each address would become a time series of its own. */
  route = 'other';
  readonly #limits: Limits;
  #runLimits: RunLimits | undefined;

  constructor(req: Request, res: Response, limits: Limits) {
    const sent = req.get('x-request-id');
    this.req = req;
    this.res = res;
    this.id = sent !== undefined && REQUEST_ID.test(sent) ? sent : randomUUID();
    this.#limits = limits;
  }

  static of(res: Response): RequestContext {
    return contexts.get(res)!;
  }

  /**
   * A request waits for what it needs (reading, decoding, the model) as long as its client is there, and no longer
   * than it may, beginning with the first call.
   */
  get runLimits(): RunLimits {
    this.#runLimits ??= {
      isGone: () => this.res.closed,
      deadline: performance.now() + this.#limits.queueSeconds * 1000,
      client: clientAddress(this.req),
    };
    return this.#runLimits;
  }

  /**
   * Keeps a model running, whatever replaces it meanwhile, until what is returned is called, at the latest until the
   * request is over. Whoever only sends what is ready releases it before, or a client that does not read would keep
   * it loaded.
   */
  hold(model: LoadedModel): () => void {
    const release = model.lease();
    this.res.once('close', release);
    return release;
  }
}

/** Gives each request its context and its id, answers with it, and logs and counts the request when it is over. */
export function requestLog(logger: Logger, metrics: Metrics, limits: Limits): RequestHandler {
  return (req, res, next) => {
    const start = performance.now();
    const context = new RequestContext(req, res, limits);
    contexts.set(res, context);
    res.setHeader('X-Request-Id', context.id);
    metrics.requestStarted();
    const { method, path } = req;
    res.once('close', () => {
      const milliseconds = performance.now() - start;
      const status = res.writableFinished ? res.statusCode : 499;
      const known = METHODS.has(method) ? method : 'other';
      metrics.requestEnded(known, context.route, status, milliseconds / 1000);
      const ms = Math.round(milliseconds * 10) / 10;
      const line = { requestId: context.id, method, path, status, ms };
      if (status >= 500) logger.warn(line, 'request');
      else logger.info(line, 'request');
    });
    next();
  };
}

/**
 * Who asks, as far as limits for each are concerned: the address, or the network of an IPv6 one, all of which
 * one household has. Behind a proxy it is the proxy's, unless the app trusts it.
 */
export function clientAddress(req: Request): string {
  return req.ip === undefined ? '' : ipKeyGenerator(req.ip);
}
