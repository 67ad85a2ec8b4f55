import type { Request } from 'express';
import type { Limits } from '../http/limits.ts';
import { readImages } from '../http/read-images.ts';
import type { ReceiveBody } from '../http/receive-body.ts';
import { checkUntyped, takeUntyped } from '../http/untyped-images.ts';
import type { ModelRegistry } from '../models/registry.ts';
import { findModel, useModel } from '../models/use-model.ts';
import type { Operation } from '../openapi/operation.ts';
import { answerPredict, chooseTopK, parsePredictQuery } from '../predict/handler.ts';
import { PredictAnswer, PredictForm, PredictJson, PredictQuery } from '../schemas/predict.ts';

export function predictOperations(
  registry: ModelRegistry,
  limits: Limits,
  receive: ReceiveBody,
): Operation[] {
  const named = (req: Request): string | undefined => (req.res!.locals.query as { model?: string }).model;
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
      refusals: [400, 404, 408, 413, 415, 422, 429, 503],
      handlers: [
        parsePredictQuery,
        // The model is found before the body is read, and held only after: by then it may be another.
        findModel(registry, named),
        chooseTopK,
        takeUntyped,
        readImages(limits, receive),
        checkUntyped,
        useModel(registry, named),
        chooseTopK,
        answerPredict(limits),
      ],
    },
  ];
}
