import type { RequestHandler } from 'express';
import type { Limits } from '../http/limits.ts';
import { readImages } from '../http/read-images.ts';
import { checkUntyped, takeUntyped } from '../http/untyped-images.ts';
import type { ModelRegistry } from '../models/registry.ts';
import { useModel } from '../models/use-model.ts';
import type { Operation } from '../openapi/operation.ts';
import { answerPredict, chooseTopK, parsePredictQuery } from '../predict/handler.ts';
import { PredictAnswer, PredictForm, PredictJson, PredictQuery } from '../schemas/predict.ts';

export function predictOperations(
  registry: ModelRegistry,
  limits: Limits,
  admit: RequestHandler,
): Operation[] {
  return [
    {
      method: 'post',
      path: '/predict',
      id: 'predict',
      summary: 'Classifies images: a form, a raw image, or JSON with base64.',
      tag: 'predict',
      query: PredictQuery,
      body: {
        'multipart/form-data': PredictForm,
        'image/png': null,
        'image/jpeg': null,
        'image/webp': null,
        'image/gif': null,
        'image/avif': null,
        'application/octet-stream': null,
        'application/json': PredictJson,
      },
      answers: {
        200: { description: 'The best classes.', content: { 'application/json': PredictAnswer } },
      },
      refusals: [400, 404, 408, 413, 415, 422, 503],
      handlers: [
        parsePredictQuery,
        useModel(registry, (req) => (req.res!.locals.query as { model?: string }).model),
        chooseTopK,
        admit,
        takeUntyped,
        readImages(limits),
        checkUntyped,
        answerPredict(limits),
      ],
    },
  ];
}
