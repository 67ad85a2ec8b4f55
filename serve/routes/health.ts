import type { ModelRegistry } from '../models/registry.ts';
import type { Operation } from '../openapi/operation.ts';
import { HealthAnswer } from '../schemas/models.ts';

/**
 * `GET /healthz`: 200 while every model can answer, 503 before, while one restarts, and when stopping.
 * @param hasKey then it says no more than that, for it may be asked without one
 */
export function healthOperations(
  registry: ModelRegistry,
  isReady: () => boolean,
  hasKey: boolean,
): Operation[] {
  const content = { 'application/json': HealthAnswer };
  return [
    {
      method: 'get',
      path: '/healthz',
      id: 'health',
      summary: 'Whether the server can answer predictions.',
      tag: 'health',
      open: true,
      answers: { 200: { description: 'It can.', content }, 503: { description: 'Not now.', content } },
      handlers: [
        (_req, res) => {
          const ready = isReady();
          res.set('Cache-Control', 'no-store').status(ready ? 200 : 503);
          res.json(
            ready
              ? { status: 'ok', ...(!hasKey && { model: registry.resolve().name }) }
              : { status: 'unavailable', error: 'the model is not ready yet' },
          );
        },
      ],
    },
  ];
}
