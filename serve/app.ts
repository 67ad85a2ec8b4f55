import cors from 'cors';
import type { Express, RequestHandler } from 'express';
import express from 'express';
import { limitRate, requireApiKey } from './http/access.ts';
import type { FetchImage } from './http/fetch-image.ts';
import type { Limits } from './http/limits.ts';
import type { Logger } from './http/logger.ts';
import type { Metrics } from './http/metrics.ts';
import { docsPage, openApiDocument } from './http/openapi.ts';
import { bodyReceiver } from './http/receive-body.ts';
import { requestLog } from './http/request-context.ts';
import { answerError, mountRoutes, notFound, type Route } from './http/route.ts';
import { securityHeaders } from './http/security-headers.ts';
import { cutSlowReaders, cutStalled } from './http/slow-readers.ts';
import type { ModelRegistry } from './models/registry.ts';
import { healthRoutes, shareReading } from './routes/health.ts';
import { demoModels, demoPage, modelRoutes } from './routes/models.ts';
import { predictRoutes } from './routes/predict.ts';
import { v2Routes } from './routes/v2.ts';
import { v2ManagementRoutes } from './routes/v2-management.ts';

/** Who may ask, and how often. */
export interface AccessOptions {
  /** Absent: anybody. */
  apiKey?: string | undefined;
  /** Requests a minute of an address; absent: as many as it likes. */
  rateLimit?: number | undefined;
  /** Origins whose pages may read the answers (`*`: all); absent: only this one. */
  cors?: string[] | undefined;
  /** Proxies in front, whose `X-Forwarded-For` says the client's address (default 0). */
  trustProxy?: number | undefined;
}

export interface AppOptions {
  registry: ModelRegistry;
  limits: Limits;
  logger: Logger;
  metrics: Metrics;
  access?: AccessOptions;
  /** Fetches images that clients name by their address; absent: none are. */
  fetchImage?: FetchImage | undefined;
  /** Whether health checks are to say that the server is ready; the registry's readiness if absent. */
  isReady?: () => boolean;
  /** The text of `/metrics`; of this process if absent. */
  readMetrics?: () => Promise<string>;
  /** The built demo page to serve at `/`; absent or not built: `/` describes the service as JSON. */
  demoDirectory?: string | undefined;
}

/** The HTTP interface, as an Express app; it starts nothing itself. */
export function createApp(options: AppOptions): Express {
  const { registry, limits, logger, metrics, access = {} } = options;
  const isReady = options.isReady ?? (() => registry.ready);
  const app = express();
  app.disable('x-powered-by');
  // An answer is never the same twice, and hashing it costs.
  app.disable('etag');
  app.set('trust proxy', access.trustProxy ?? 0);
  app.use(requestLog(logger, metrics, limits));
  app.use(cutSlowReaders(limits));
  app.use(securityHeaders(access.cors !== undefined));
  if (access.cors) app.use(allowOrigins(access.cors));

  const receive = bodyReceiver(limits, (reason) => metrics.rejected(reason));
  const readMetrics = shareReading(options.readMetrics ?? (() => metrics.registry.metrics()));
  const routes: Route[] = [
    ...predictRoutes(registry, { limits, receive, fetchImage: options.fetchImage }),
    // Before the models, to one of which `stats` would be a name.
    ...v2ManagementRoutes(registry, limits, readMetrics, receive),
    ...v2Routes(registry, limits, isReady, receive),
    ...modelRoutes(registry, limits),
    ...healthRoutes(registry, isReady, access.apiKey !== undefined, readMetrics),
  ];
  const document = openApiDocument(routes, access.apiKey !== undefined);
  // Everything but health checks, whose clients nobody may lock out.
  if (access.rateLimit !== undefined) {
    const open = new Set(routes.filter((route) => route.open).map(({ path }) => path));
    const limit = limitRate(access.rateLimit, () => metrics.rejected('rate-limit'));
    // Before the key: it also slows down whoever guesses keys.
    app.use((req, res, next) => (open.has(req.path) ? next() : void limit(req, res, next)));
  }
  const guards =
    access.apiKey === undefined ? [] : [requireApiKey(access.apiKey, () => metrics.rejected('api-key'))];
  // Before the routes, to one of which `index.json` would be a model's name.
  if (options.demoDirectory !== undefined) {
    app.get('/models/index.json', ...guards, demoModels(registry));
  }
  // Early: Express tries one route after the other, and these are asked thousands of times a second.
  mountRoutes(app, routes, guards);
  app.get('/openapi.json', (_req, res) => void res.json(document));
  // Only files from here on.
  app.use((_req, res, next) => {
    cutStalled(res, limits.stallSeconds);
    next();
  });
  app.use(docsPage());
  if (options.demoDirectory !== undefined) app.use(demoPage(options.demoDirectory));
  app.get('/', (_req, res) => {
    const endpoints = routes.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    res.json({ endpoints: [...endpoints, 'GET /openapi.json', 'GET /docs'] });
  });

  app.use(notFound);
  app.use(answerError(logger, metrics));
  return app;
}

function allowOrigins(origins: readonly string[]): RequestHandler {
  return cors({
    origin: origins.includes('*') ? '*' : [...origins],
    exposedHeaders: ['X-Request-Id', 'Retry-After', 'Inference-Header-Content-Length'],
    maxAge: 600,
  });
}
