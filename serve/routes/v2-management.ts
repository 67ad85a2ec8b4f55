import type { Request, RequestHandler } from 'express';
import type { z } from 'zod';
import { bodyTooLarge } from '../http/body-errors.ts';
import type { Limits } from '../http/limits.ts';
import { readJson } from '../http/read-json.ts';
import type { ReceiveBody } from '../http/receive-body.ts';
import type { LoadedModel } from '../models/loaded-model.ts';
import { type ModelReference, parseReference, withVersion } from '../models/reference.ts';
import type { ModelRegistry } from '../models/registry.ts';
import { findModel } from '../models/use-model.ts';
import type { Operation } from '../openapi/operation.ts';
import { parseInput } from '../schemas/parse.ts';
import {
  ModelConfigAnswer,
  ModelStatsAnswer,
  RepositoryIndexAnswer,
  RepositoryIndexRequest,
  V2Params,
  V2VersionParams,
} from '../schemas/v2.ts';

/** A model as a path of the protocol names it. */
export function v2Reference(req: Request): ModelReference {
  const { model, version } = req.params as { model: string; version?: string };
  // `name@2` works here too; the version in the path is the protocol's own way.
  return version === undefined ? parseReference(model) : withVersion(parseReference(model).name, version);
}

/**
 * What Triton's client asks beside the protocol itself, by Triton's extensions for model configuration,
 * statistics and the model repository.
 * @param readMetrics the text of `/metrics`, of all processes
 */
export function v2Management(
  registry: ModelRegistry,
  limits: Limits,
  readMetrics: () => Promise<string>,
  receive: ReceiveBody,
): Operation[] {
  const stats = { 200: { description: 'The counts.', content: json(ModelStatsAnswer) } };
  const index = { 200: { description: 'The models.', content: json(RepositoryIndexAnswer) } };
  return [
    {
      method: 'post',
      path: '/v2/repository/index',
      id: 'v2RepositoryIndex',
      summary: 'Every version of every model, with the reason if its file cannot be used.',
      tag: 'v2',
      body: json(RepositoryIndexRequest),
      bodyOptional: true,
      answers: index,
      refusals: [400, 408, 413, 415, 429, 503],
      handlers: [
        async (req, res) => {
          const body = bodyOf(await receive(req, res));
          const ready = parseInput(RepositoryIndexRequest, body, 'the request')?.ready;
          res.json(repositoryIndex(registry).filter(({ state }) => ready !== true || state === 'READY'));
        },
      ],
    },
    {
      method: 'get',
      path: '/v2/repository/index',
      id: 'v2RepositoryIndexGet',
      summary: 'The same, to look at with a browser.',
      tag: 'v2',
      answers: index,
      handlers: [(_req, res) => void res.json(repositoryIndex(registry))],
    },
    {
      method: 'get',
      path: '/v2/models/stats',
      id: 'v2Stats',
      summary: 'What every model has run.',
      tag: 'v2',
      answers: stats,
      handlers: [async (_req, res) => void res.json(statistics(registry.all(), await readMetrics()))],
    },
    ...['', '/versions/{version}'].flatMap((suffix): Operation[] => {
      const common = { method: 'get', tag: 'v2', params: suffix ? V2VersionParams : V2Params } as const;
      const idSuffix = suffix ? 'Version' : '';
      return [
        {
          ...common,
          path: `/v2/models/{model}${suffix}/config`,
          id: `v2ModelConfig${idSuffix}`,
          summary: 'The configuration that Triton would have for a model.',
          answers: { 200: { description: 'The configuration.', content: json(ModelConfigAnswer) } },
          refusals: [400, 404, 503],
          handlers: [findModel(registry, v2Reference), configure(registry, limits)],
        },
        {
          ...common,
          path: `/v2/models/{model}${suffix}/stats`,
          id: `v2ModelStats${idSuffix}`,
          summary: 'What a model has run.',
          answers: stats,
          refusals: [400, 404, 503],
          handlers: [
            async (req, res) => {
              const { name, version } = v2Reference(req);
              registry.resolve({ name, ...(version !== undefined && { version }) });
              const models = registry
                .all()
                .filter((model) => model.name === name && (!version || model.version === version));
              res.json(statistics(models, await readMetrics()));
            },
          ],
        },
      ];
    }),
  ];
}

const json = (schema: z.ZodType): Record<string, z.ZodType> => ({ 'application/json': schema });

/** More than the request has to say. */
const INDEX_BYTES = 1000;

/** A body of JSON; the client of Triton sends none at all. */
function bodyOf(body: Uint8Array): unknown {
  if (body.length > INDEX_BYTES) throw bodyTooLarge(INDEX_BYTES);
  return body.length === 0 ? undefined : readJson(body, '{"ready": true}, or nothing');
}

function repositoryIndex(registry: ModelRegistry): z.output<typeof RepositoryIndexAnswer> {
  const loaded = new Map(registry.all().map((model) => [`${model.name}@${model.version}`, model]));
  return registry.status().map(({ name, version, loaded: isLoaded, reason }) => {
    const isReady = isLoaded && (loaded.get(`${name}@${version}`)?.pool.ready ?? false);
    return { name, version: String(version), state: isReady ? 'READY' : 'UNAVAILABLE', reason };
  });
}

function configure(registry: ModelRegistry, limits: Limits): RequestHandler {
  return (_req, res) => {
    const { name, served } = res.locals.model as LoadedModel;
    const { inputHeight, inputWidth, labels } = served.metadata;
    const output = { data_type: 'TYPE_FP32', dims: [labels.length] };
    res.json({
      name,
      platform: 'onnxruntime_onnx',
      backend: 'onnxruntime',
      version_policy: { specific: { versions: registry.versions(name) } },
      // The first dimension, the number of images, is not among the others.
      max_batch_size: limits.images,
      input: [
        {
          name: 'input',
          data_type: 'TYPE_FP32',
          format: 'FORMAT_NCHW',
          dims: [3, inputHeight, inputWidth],
        },
      ],
      output: [
        { name: 'logits', ...output },
        { name: 'probabilities', ...output },
      ],
    });
  };
}

/** Counts as Triton has them, out of the metrics; what is not counted by model here is left out. */
function statistics(models: readonly LoadedModel[], metrics: string): z.output<typeof ModelStatsAnswer> {
  return {
    model_stats: models.map(({ name, version }) => {
      const value = (metric: string, part: 'sum' | 'count'): number =>
        sampleOf(metrics, `${metric}_${part}`, name, version);
      const nanoseconds = (metric: string): number => Math.round(1e9 * value(metric, 'sum'));
      const requests = value('inference_queue_seconds', 'count');
      const queue = nanoseconds('inference_queue_seconds');
      const batches = value('inference_duration_seconds', 'count');
      const run = nanoseconds('inference_duration_seconds');
      return {
        name,
        version: String(version),
        inference_count: value('inference_batch_images', 'sum'),
        execution_count: batches,
        inference_stats: {
          success: { count: requests, ns: queue + run },
          queue: { count: requests, ns: queue },
          compute_infer: { count: batches, ns: run },
        },
      };
    }),
  };
}

/** A value of Prometheus's text format; 0 before there is one. */
function sampleOf(text: string, metric: string, model: string, version: number): number {
  const line = text
    .split('\n')
    .find((each) => each.startsWith(`${metric}{model="${model}",version="${version}"}`));
  return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1));
}
