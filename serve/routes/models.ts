import type { RequestHandler } from 'express';
import type { Limits } from '../http/limits.ts';
import { sendBytes } from '../http/slow-readers.ts';
import type { LoadedModel } from '../models/loaded-model.ts';
import type { ModelRegistry } from '../models/registry.ts';
import { findModel } from '../models/use-model.ts';
import type { Operation } from '../openapi/operation.ts';
import { ModelParams } from '../schemas/common.ts';
import { ModelDescriptionAnswer, ModelListAnswer } from '../schemas/models.ts';

/** What is served: the list, descriptions, and the ONNX files for clients that run them themselves. */
export function modelOperations(registry: ModelRegistry, limits: Limits): Operation[] {
  const describe: RequestHandler = (_req, res) => {
    const model = res.locals.model as LoadedModel;
    res.json({ ...model.description, versions: registry.versions(model.name) });
  };
  const description = {
    200: { description: 'The model.', content: { 'application/json': ModelDescriptionAnswer } },
  };
  return [
    {
      method: 'get',
      path: '/model',
      id: 'defaultModel',
      summary: 'The model that is asked when none is named.',
      tag: 'models',
      answers: description,
      refusals: [503],
      handlers: [findModel(registry, () => undefined), describe],
    },
    {
      method: 'get',
      path: '/models',
      id: 'listModels',
      summary: 'Every version of every model.',
      tag: 'models',
      answers: { 200: { description: 'The models.', content: { 'application/json': ModelListAnswer } } },
      refusals: [503],
      handlers: [
        (_req, res) => {
          res.json({ default: registry.resolve().name, models: registry.all().map(listed) });
        },
      ],
    },
    // Before the description, whose path it fits too.
    {
      method: 'get',
      path: '/models/{model}.onnx',
      id: 'downloadModel',
      summary: "A model's ONNX file.",
      tag: 'models',
      params: ModelParams,
      answers: { 200: { description: 'The file.', content: { 'application/octet-stream': null } } },
      refusals: [400, 404, 503],
      // Not held: a download needs the bytes alone, which stay as long as it goes on.
      handlers: [findModel(registry, (req) => String(req.params.model)), sendFile(limits)],
    },
    {
      method: 'get',
      path: '/models/{model}',
      id: 'describeModel',
      summary: 'A model.',
      tag: 'models',
      params: ModelParams,
      answers: description,
      refusals: [400, 404, 503],
      handlers: [findModel(registry, (req) => String(req.params.model)), describe],
    },
  ];
}

function sendFile(limits: Limits): RequestHandler {
  return (_req, res) => {
    const { bytes } = (res.locals.model as LoadedModel).served;
    res.type('application/octet-stream');
    return sendBytes(res, bytes, limits.stallSeconds);
  };
}

function listed({ name, version, pool, description, served }: LoadedModel) {
  const { file, bytes } = description;
  const labels = served.metadata.labels.length;
  // `url` is what the demo page looks for.
  return { name, version, ready: pool.ready, labels, file, bytes, url: file.slice(1) };
}
