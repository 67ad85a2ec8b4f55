import { z } from 'zod';
import { bodyTooLarge, type Limits } from '../http/limits.ts';
import { readJson } from '../http/read-json.ts';
import type { ReceiveBody } from '../http/receive-body.ts';
import type { RequestContext } from '../http/request-context.ts';
import { json, type Route } from '../http/route.ts';
import type { LoadedModel } from '../models/loaded-model.ts';
import { type ModelReference, parseReference, withVersion } from '../models/reference.ts';
import type { ModelRegistry } from '../models/registry.ts';
import { parseInput } from '../schemas.ts';

const RepositoryIndexRequest = z
  .object({ ready: z.boolean().nullish().meta({ description: 'true: only what is ready' }) })
  .optional()
  .meta({ id: 'RepositoryIndexRequest' });

const RepositoryIndexAnswer = z
  .array(
    z.strictObject({
      name: z.string(),
      version: z.string(),
      state: z.enum(['READY', 'UNAVAILABLE']),
      reason: z.string().meta({ description: 'why its file, or a newer one, cannot be used; else empty' }),
    }),
  )
  .meta({ id: 'RepositoryIndex' });

const ConfigTensor = z.strictObject({
  name: z.string(),
  data_type: z.string(),
  format: z.string().optional(),
  dims: z.array(z.int().min(1)),
});

const ModelConfigAnswer = z
  .strictObject({
    name: z.string(),
    platform: z.string(),
    backend: z.string(),
    version_policy: z.strictObject({ specific: z.strictObject({ versions: z.array(z.int()) }) }),
    max_batch_size: z.int().min(1).meta({ description: 'most images in a request' }),
    input: z.array(ConfigTensor),
    output: z.array(ConfigTensor),
  })
  .meta({ id: 'ModelConfig' });

const Duration = z.strictObject({ count: z.int().min(0), ns: z.int().min(0) });

const ModelStatsAnswer = z
  .strictObject({
    model_stats: z.array(
      z.strictObject({
        name: z.string(),
        version: z.string(),
        inference_count: z.int().min(0).meta({ description: 'images' }),
        execution_count: z.int().min(0).meta({ description: 'batches' }),
        inference_stats: z.strictObject({ success: Duration, queue: Duration, compute_infer: Duration }),
      }),
    ),
  })
  .meta({ id: 'ModelStats' });

export const V2Params = z.object({ model: z.string().min(1).max(120) });
export const V2VersionParams = V2Params.extend({
  version: z.string().min(1).max(20).meta({ description: 'a version number, or `latest`' }),
});

/** A model as a path of the protocol names it. */
export function v2Reference({ req }: RequestContext): ModelReference {
  const { model, version } = req.params as { model: string; version?: string };
  // `name@2` works here too; the version in the path is the protocol's own way.
  return version === undefined ? parseReference(model) : withVersion(parseReference(model).name, version);
}

/**
 * What Triton's client asks beside the protocol itself, by Triton's extensions for model configuration,
 * statistics and the model repository.
 * @param readMetrics the text of `/metrics`, of all processes
 */
export function v2ManagementRoutes(
  registry: ModelRegistry,
  limits: Limits,
  readMetrics: () => Promise<string>,
  receive: ReceiveBody,
): Route[] {
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
      handle: async (context) => {
        const body = bodyOf(await receive(context));
        const ready = parseInput(RepositoryIndexRequest, body, 'the request')?.ready;
        const index = repositoryIndex(registry).filter(({ state }) => ready !== true || state === 'READY');
        context.res.json(index);
      },
    },
    {
      method: 'get',
      path: '/v2/repository/index',
      id: 'v2RepositoryIndexGet',
      summary: 'The same, to look at with a browser.',
      tag: 'v2',
      answers: index,
      handle: ({ res }) => void res.json(repositoryIndex(registry)),
    },
    {
      method: 'get',
      path: '/v2/models/stats',
      id: 'v2Stats',
      summary: 'What every model has run.',
      tag: 'v2',
      answers: stats,
      handle: async ({ res }) => void res.json(statistics(registry.all(), await readMetrics())),
    },
    ...['', '/versions/{version}'].flatMap((suffix): Route[] => {
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
          handle: (context) => {
            const model = registry.resolve(v2Reference(context));
            context.res.json(configuration(model, registry.versions(model.name), limits));
          },
        },
        {
          ...common,
          path: `/v2/models/{model}${suffix}/stats`,
          id: `v2ModelStats${idSuffix}`,
          summary: 'What a model has run.',
          answers: stats,
          refusals: [400, 404, 503],
          handle: async (context) => {
            const { name, version } = v2Reference(context);
            registry.resolve({ name, ...(version !== undefined && { version }) });
            const models = registry
              .all()
              .filter((model) => model.name === name && (!version || model.version === version));
            context.res.json(statistics(models, await readMetrics()));
          },
        },
      ];
    }),
  ];
}

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

function configuration(
  { name, served }: LoadedModel,
  versions: number[],
  { images }: Limits,
): z.output<typeof ModelConfigAnswer> {
  const { inputHeight, inputWidth, labels } = served.metadata;
  const output = { data_type: 'TYPE_FP32', dims: [labels.length] };
  return {
    name,
    platform: 'onnxruntime_onnx',
    backend: 'onnxruntime',
    version_policy: { specific: { versions } },
    // The first dimension, the number of images, is not among the others.
    max_batch_size: images,
    input: [
      { name: 'input', data_type: 'TYPE_FP32', format: 'FORMAT_NCHW', dims: [3, inputHeight, inputWidth] },
    ],
    output: [
      { name: 'logits', ...output },
      { name: 'probabilities', ...output },
    ],
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
