import type { RequestHandler } from 'express';
import { z } from 'zod';
import type { Limits } from '../http/limits.ts';
import type { ReceiveBody } from '../http/receive-body.ts';
import type { LoadedModel } from '../models/loaded-model.ts';
import type { ModelRegistry } from '../models/registry.ts';
import { findModel, useModel } from '../models/use-model.ts';
import type { Operation } from '../openapi/operation.ts';
import {
  InferAnswer,
  InferRequest,
  LiveAnswer,
  ModelMetadataAnswer,
  ModelReadyAnswer,
  ReadyAnswer,
  ServerMetadataAnswer,
  V2Params,
  V2VersionParams,
} from '../schemas/v2.ts';
import { HEADER_LENGTH, inferHandler } from '../v2/infer-handler.ts';
import { v2Reference } from './v2-management.ts';

/** The Open Inference Protocol, version 2. */
export function v2Operations(
  registry: ModelRegistry,
  limits: Limits,
  isReady: () => boolean,
  receive: ReceiveBody,
): Operation[] {
  const model = useModel(registry, v2Reference);
  return [
    {
      method: 'get',
      path: '/v2/health/live',
      id: 'v2Live',
      summary: 'Whether the server runs.',
      tag: 'v2',
      open: true,
      answers: { 200: { description: 'It does.', content: json(LiveAnswer) } },
      handlers: [(_req, res) => void res.json({ live: true })],
    },
    {
      method: 'get',
      path: '/v2/health/ready',
      id: 'v2Ready',
      summary: 'Whether every model is ready.',
      tag: 'v2',
      open: true,
      answers: {
        200: { description: 'They are.', content: json(ReadyAnswer) },
        503: { description: 'Not now.', content: json(ReadyAnswer) },
      },
      handlers: [
        (_req, res) => {
          const ready = isReady();
          res
            .set('Cache-Control', 'no-store')
            .status(ready ? 200 : 503)
            .json({ ready });
        },
      ],
    },
    {
      method: 'get',
      path: '/v2',
      id: 'v2Server',
      summary: 'The server and the extensions it has.',
      tag: 'v2',
      answers: { 200: { description: 'The server.', content: json(ServerMetadataAnswer) } },
      handlers: [
        (_req, res) =>
          void res.json({
            name: 'onnx-classifier',
            version: '0.1.0',
            extensions: [
              ...['binary_tensor_data', 'classification', 'model_configuration', 'model_repository'],
              'statistics',
            ],
          }),
      ],
    },
    ...['', '/versions/{version}'].flatMap((suffix) =>
      modelOperations(suffix, registry, limits, model, receive),
    ),
  ];
}

function modelOperations(
  suffix: string,
  registry: ModelRegistry,
  limits: Limits,
  model: RequestHandler,
  receive: ReceiveBody,
): Operation[] {
  const path = `/v2/models/{model}${suffix}`;
  const idSuffix = suffix === '' ? '' : 'Version';
  const params = suffix === '' ? V2Params : V2VersionParams;
  const common = { tag: 'v2', params };
  return [
    {
      ...common,
      method: 'get',
      path,
      id: `v2Model${idSuffix}`,
      summary: 'Inputs and outputs of a model.',
      answers: { 200: { description: 'The model.', content: json(ModelMetadataAnswer) } },
      refusals: [400, 404, 503],
      handlers: [
        model,
        (_req, res) => {
          const { name, served } = res.locals.model as LoadedModel;
          res.json({
            name,
            versions: registry.versions(name).map(String),
            platform: 'onnxruntime_onnx',
            ...tensors(served.metadata),
          });
        },
      ],
    },
    {
      ...common,
      method: 'get',
      path: `${path}/ready`,
      id: `v2ModelReady${idSuffix}`,
      summary: 'Whether a model is ready.',
      answers: {
        200: { description: 'It is.', content: json(ModelReadyAnswer) },
        503: { description: 'Not now.', content: json(ModelReadyAnswer) },
      },
      refusals: [400, 404],
      handlers: [
        (req, res) => {
          const failed = registry.failed(v2Reference(req));
          if (failed) {
            res.status(503).json({ name: failed.name, ready: false, reason: failed.reason });
            return;
          }
          const { name, pool } = registry.resolve(v2Reference(req));
          res.status(pool.ready ? 200 : 503).json({ name, ready: pool.ready });
        },
      ],
    },
    {
      ...common,
      method: 'post',
      path: `${path}/infer`,
      id: `v2Infer${idSuffix}`,
      summary: 'Runs a model on tensors.',
      headers: {
        [HEADER_LENGTH]: {
          description:
            'bytes of JSON at the head of the body, when tensors follow it as bytes; 0: a tensor alone',
          schema: z.int().min(0).max(999_999_999),
        },
      },
      body: { 'application/json': InferRequest, 'application/octet-stream': null },
      answers: {
        200: {
          description: 'The outputs; as bytes after the JSON where that was asked for.',
          content: { 'application/json': InferAnswer, 'application/octet-stream': null },
        },
      },
      refusals: [400, 404, 408, 413, 415, 429, 503],
      // The model is found before the body is read, and held only after.
      handlers: [findModel(registry, v2Reference), readBytes(receive), model, inferHandler(limits)],
    },
  ];
}

const json = (schema: z.ZodType): Record<string, z.ZodType> => ({ 'application/json': schema });

/** Inputs and outputs as the protocol describes them; -1 is any number. */
function tensors({ inputHeight, inputWidth, labels }: LoadedModel['served']['metadata']) {
  const output = { datatype: 'FP32', shape: [-1, labels.length] };
  return {
    inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 3, inputHeight, inputWidth] }],
    outputs: [
      { name: 'logits', ...output },
      { name: 'probabilities', ...output },
    ],
  };
}

/** The whole body as bytes, whatever its content type: the protocol's clients disagree about it. */
function readBytes(receive: ReceiveBody): RequestHandler {
  return async (req, res, next) => {
    req.body = await receive(req, res);
    next();
  };
}
