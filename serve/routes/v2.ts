import type { Response } from 'express';
import { z } from 'zod';
import { Refusal } from '../../core/errors.ts';
import type { Limits } from '../http/limits.ts';
import type { ReceiveBody } from '../http/receive-body.ts';
import type { RequestContext } from '../http/request-context.ts';
import { json, type Route } from '../http/route.ts';
import type { LoadedModel } from '../models/loaded-model.ts';
import type { ModelRegistry } from '../models/registry.ts';
import { encodeInfer, InferAnswer } from '../v2/infer-answer.ts';
import { InferRequest, readInfer } from '../v2/infer-request.ts';
import { V2Params, V2VersionParams, v2Reference } from './v2-management.ts';

const HEADER_LENGTH = 'Inference-Header-Content-Length';

const TensorMetadata = z.strictObject({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.int().min(-1)),
});

const ModelMetadataAnswer = z
  .strictObject({
    name: z.string(),
    versions: z.array(z.string()),
    platform: z.string(),
    inputs: z.array(TensorMetadata),
    outputs: z.array(TensorMetadata),
  })
  .meta({ id: 'ModelMetadata' });

const ServerMetadataAnswer = z
  .strictObject({ name: z.string(), version: z.string(), extensions: z.array(z.string()) })
  .meta({ id: 'ServerMetadata' });

const LiveAnswer = z.strictObject({ live: z.boolean() });
const ReadyAnswer = z.strictObject({ ready: z.boolean() });
const ModelReadyAnswer = z.strictObject({
  name: z.string(),
  ready: z.boolean(),
  reason: z.string().optional().meta({ description: 'why its file cannot be used' }),
});

/** The Open Inference Protocol, version 2. */
export function v2Routes(
  registry: ModelRegistry,
  limits: Limits,
  isReady: () => boolean,
  receive: ReceiveBody,
): Route[] {
  return [
    {
      method: 'get',
      path: '/v2/health/live',
      id: 'v2Live',
      summary: 'Whether the server runs.',
      tag: 'v2',
      open: true,
      answers: { 200: { description: 'It does.', content: json(LiveAnswer) } },
      handle: ({ res }) => void res.json({ live: true }),
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
      handle: ({ res }) => {
        const ready = isReady();
        res
          .set('Cache-Control', 'no-store')
          .status(ready ? 200 : 503)
          .json({ ready });
      },
    },
    {
      method: 'get',
      path: '/v2',
      id: 'v2Server',
      summary: 'The server and the extensions it has.',
      tag: 'v2',
      answers: { 200: { description: 'The server.', content: json(ServerMetadataAnswer) } },
      handle: ({ res }) => {
        const extensions = [
          ...['binary_tensor_data', 'classification', 'model_configuration', 'model_repository'],
          'statistics',
        ];
        res.json({ name: 'onnx-classifier', version: '0.1.0', extensions });
      },
    },
    ...['', '/versions/{version}'].flatMap((suffix) => modelRoutes(suffix, registry, limits, receive)),
  ];
}

function modelRoutes(suffix: string, registry: ModelRegistry, limits: Limits, receive: ReceiveBody): Route[] {
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
      handle: (context) => {
        const { name, served } = registry.resolve(v2Reference(context));
        const versions = registry.versions(name).map(String);
        context.res.json({ name, versions, platform: 'onnxruntime_onnx', ...tensors(served.metadata) });
      },
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
      handle: (context) => {
        const { res } = context;
        const failed = registry.failed(v2Reference(context));
        if (failed) {
          res.status(503).json({ name: failed.name, ready: false, reason: failed.reason });
          return;
        }
        const { name, pool } = registry.resolve(v2Reference(context));
        res.status(pool.ready ? 200 : 503).json({ name, ready: pool.ready });
      },
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
      handle: async (context) => {
        // The model is found before the body is read, whatever its content type says: the protocol's clients disagree
        // about it. It is held only after: by then it may be another.
        registry.resolve(v2Reference(context));
        const body = await receive(context);
        const model = registry.resolve(v2Reference(context));
        const release = context.hold(model);
        if (body.length === 0) throw new Refusal(400, 'the request has no body; send {"inputs": [...]}');
        const { inputHeight: height, inputWidth: width } = model.served.metadata;
        const size = { height, width, maxImages: limits.images };
        const request = await readInfer(
          { body, headerLength: headerLength(context), size },
          context.runLimits,
        );
        const { logits } = await model.pool.run(request.input, request.images, context.runLimits);
        release();
        const { json: answer, binary } = encodeInfer(model, request, logits);
        if (binary.length === 0) context.res.json(answer);
        else sendBinary(context.res, JSON.stringify(answer), binary);
      },
    },
  ];
}

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

function headerLength({ req }: RequestContext): number | undefined {
  const text = req.get(HEADER_LENGTH);
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new Refusal(400, `${HEADER_LENGTH} must be a number of bytes`);
  return Number(text);
}

function sendBinary(res: Response, json: string, binary: readonly Buffer[]): void {
  const head = Buffer.from(json);
  const body = Buffer.concat([head, ...binary]);
  res.setHeader(HEADER_LENGTH, String(head.length));
  res.setHeader('Content-Type', 'application/octet-stream');
  res.setHeader('Content-Length', String(body.length));
  res.end(body);
}
