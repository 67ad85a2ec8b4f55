import { z } from 'zod';
import { json, type Route } from '../http/route.ts';
import type { ModelRegistry } from '../models/registry.ts';

const HealthAnswer = z
  .union([
    z.strictObject({ status: z.literal('ok'), model: z.string().optional() }),
    z.strictObject({ status: z.literal('unavailable'), error: z.string() }),
  ])
  .meta({ id: 'Health' });

/** One reading, which takes a while, for all who ask before it is made. */
export function shareReading(read: () => Promise<string>): () => Promise<string> {
  let reading: Promise<string> | undefined;
  return () => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };
}

/**
 * `GET /healthz`: 200 while every model can answer, 503 before, while one restarts, and when stopping; and
 * `GET /metrics`, in Prometheus's text format.
 * @param hasKey then health says no more than that, for it may be asked without one
 */
export function healthRoutes(
  registry: ModelRegistry,
  isReady: () => boolean,
  hasKey: boolean,
  readMetrics: () => Promise<string>,
): Route[] {
  const content = json(HealthAnswer);
  return [
    {
      method: 'get',
      path: '/healthz',
      id: 'health',
      summary: 'Whether the server can answer predictions.',
      tag: 'health',
      open: true,
      answers: { 200: { description: 'It can.', content }, 503: { description: 'Not now.', content } },
      handle: ({ res }) => {
        const ready = isReady();
        res.set('Cache-Control', 'no-store').status(ready ? 200 : 503);
        res.json(
          ready
            ? { status: 'ok', ...(!hasKey && { model: registry.resolve().name }) }
            : { status: 'unavailable', error: 'the model is not ready yet' },
        );
      },
    },
    {
      method: 'get',
      path: '/metrics',
      id: 'metrics',
      summary: 'Metrics for Prometheus.',
      tag: 'health',
      answers: { 200: { description: 'The metrics.', content: { 'text/plain': null } } },
      handle: async ({ res }) => {
        res.type('text/plain; version=0.0.4; charset=utf-8').send(await readMetrics());
      },
    },
  ];
}
