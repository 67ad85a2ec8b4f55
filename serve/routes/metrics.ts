import type { Operation } from '../openapi/operation.ts';

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

/** `GET /metrics`, in Prometheus's text format. */
export function metricsOperations(read: () => Promise<string>): Operation[] {
  return [
    {
      method: 'get',
      path: '/metrics',
      id: 'metrics',
      summary: 'Metrics for Prometheus.',
      tag: 'health',
      answers: { 200: { description: 'The metrics.', content: { 'text/plain': null } } },
      handlers: [
        async (_req, res) => {
          res.type('text/plain; version=0.0.4; charset=utf-8').send(await read());
        },
      ],
    },
  ];
}
