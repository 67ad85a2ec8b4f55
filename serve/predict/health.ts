import type { RequestHandler } from 'express';
import type { InferencePool } from '../inference/pool.ts';

/** `GET /healthz`: 200 once the model is loaded and answered a warm-up, 503 before and while it restarts. */
export function healthHandler(pool: () => InferencePool | undefined, model: string): RequestHandler {
  return (_req, res) => {
    const ready = pool()?.ready === true;
    res.set('Cache-Control', 'no-store').status(ready ? 200 : 503);
    res.json(
      ready ? { status: 'ok', model } : { status: 'unavailable', error: 'the model is not ready yet' },
    );
  };
}
