import express, { type Express } from 'express';
import { answerError, methodNotAllowed, notFound } from './http/errors.ts';
import { DEFAULT_LIMITS, type Limits } from './http/limits.ts';
import { readImages } from './http/read-images.ts';
import { securityHeaders } from './http/security-headers.ts';
import type { InferencePool } from './inference/pool.ts';
import type { ServedModel } from './model-file.ts';
import { describeModel } from './predict/describe-model.ts';
import { predictHandler } from './predict/handler.ts';
import { healthHandler } from './predict/health.ts';

export interface AppOptions {
  model: ServedModel;
  /** The pool once the model is loaded; undefined before, which answers 503. */
  pool: () => InferencePool | undefined;
  limits?: Partial<Limits>;
  /** The built demo page to serve at `/`; absent or not built: `/` describes the service as JSON. */
  demoDirectory?: string | undefined;
}

/** The HTTP interface of one model, as an Express app; it starts nothing itself. */
export function createApp(options: AppOptions): Express {
  const { model, pool } = options;
  const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
  const description = describeModel(model);
  const app = express();
  app.disable('x-powered-by');
  app.use(securityHeaders);

  app.get('/healthz', healthHandler(pool, model.metadata.model));
  app.all('/healthz', methodNotAllowed('GET'));

  app.get('/model', (_req, res) => {
    res.json(description);
  });
  app.all('/model', methodNotAllowed('GET'));

  const predict = predictHandler(model.metadata, pool, limits);
  app.post('/predict', predict.check, readImages(limits), predict.answer);
  app.all('/predict', methodNotAllowed('POST'));

  app.get(description.file, (_req, res) => {
    res
      .type('application/octet-stream')
      .send(Buffer.from(model.bytes.buffer, model.bytes.byteOffset, model.bytes.byteLength));
  });
  app.all(description.file, methodNotAllowed('GET'));

  if (options.demoDirectory !== undefined) {
    const setHeaders = (res: express.Response, path: string): void => {
      // Vite puts a hash of the contents into the names under assets/; the page itself must be asked for.
      const hashed = /[\\/]assets[\\/][^\\/]+$/.test(path);
      res.set('Cache-Control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    };
    app.use(express.static(options.demoDirectory, { cacheControl: false, setHeaders }));
  }
  app.get('/', (_req, res) => {
    res.json({
      model: model.metadata.model,
      endpoints: ['POST /predict', 'GET /model', 'GET /healthz', `GET ${description.file}`],
    });
  });

  app.use(notFound);
  app.use(answerError);
  return app;
}
