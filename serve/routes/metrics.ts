import type { Operation } from '../openapi/operation.ts';

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
