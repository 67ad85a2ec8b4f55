import { z } from 'zod';

/** The Open Inference Protocol, version 2 (KServe, Triton), with the binary tensor data extension. */

type Parameters = Record<string, unknown>;

/**
 * Values of extensions, of any kind: those that are not known here are ignored. Checked here: a schema makes an
 * object for each of thousands that are wrong, which takes seconds.
 */
const Parameters = z
  .custom<Parameters>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), {
    error: 'must be an object',
  })
  .meta({
    type: 'object',
    additionalProperties: true,
    description: 'values of extensions; unknown ones are ignored',
  });

/**
 * Numbers, flat or nested by dimension. Whether each is a number is checked where they are copied: a schema
 * would walk a million of them a second time.
 */
const TensorData = z
  .custom<unknown[]>((value) => Array.isArray(value), { error: 'must be a list of numbers' })
  .meta({ type: 'array', items: {}, description: 'numbers, flat in row-major order or nested by dimension' });

const Shape = z.array(z.int().min(0)).min(1).max(8);

/** As the clients of other languages write what they leave out, `null` stands for nothing. */
export const InferRequest = z
  .object({
    id: z.string().max(256).nullish(),
    parameters: Parameters.nullish(),
    inputs: z
      .array(
        z.object({
          name: z.string(),
          shape: Shape,
          datatype: z.string().meta({ examples: ['FP32'] }),
          parameters: Parameters.nullish(),
          data: TensorData.nullish(),
        }),
      )
      .min(1)
      .max(16),
    outputs: z
      .array(z.object({ name: z.string(), parameters: Parameters.nullish() }))
      .max(16)
      .nullish()
      .meta({ description: 'left out or empty: all' }),
  })
  .meta({
    id: 'InferRequest',
    examples: [{ inputs: [{ name: 'input', shape: [1, 3, 32, 32], datatype: 'FP32', data: [0.5, -0.5] }] }],
  });
export type InferRequest = z.output<typeof InferRequest>;

export const InferAnswer = z
  .strictObject({
    model_name: z.string(),
    model_version: z.string(),
    id: z.string().optional(),
    outputs: z.array(
      z.strictObject({
        name: z.string(),
        shape: Shape,
        datatype: z.string(),
        parameters: z.strictObject({ binary_data_size: z.int().min(0) }).optional(),
        data: z.array(z.union([z.number(), z.string()])).optional(),
      }),
    ),
  })
  .meta({ id: 'InferAnswer' });
export type InferAnswer = z.output<typeof InferAnswer>;

const TensorMetadata = z.strictObject({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.int().min(-1)),
});

export const ModelMetadataAnswer = z
  .strictObject({
    name: z.string(),
    versions: z.array(z.string()),
    platform: z.string(),
    inputs: z.array(TensorMetadata),
    outputs: z.array(TensorMetadata),
  })
  .meta({ id: 'ModelMetadata' });

export const ServerMetadataAnswer = z
  .strictObject({ name: z.string(), version: z.string(), extensions: z.array(z.string()) })
  .meta({ id: 'ServerMetadata' });

export const LiveAnswer = z.strictObject({ live: z.boolean() });
export const ReadyAnswer = z.strictObject({ ready: z.boolean() });
export const ModelReadyAnswer = z.strictObject({
  name: z.string(),
  ready: z.boolean(),
  reason: z.string().optional().meta({ description: 'why its file cannot be used' }),
});

export const RepositoryIndexRequest = z
  .object({ ready: z.boolean().nullish().meta({ description: 'true: only what is ready' }) })
  .optional()
  .meta({ id: 'RepositoryIndexRequest' });

export const RepositoryIndexAnswer = z
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

export const ModelConfigAnswer = z
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

export const ModelStatsAnswer = z
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
