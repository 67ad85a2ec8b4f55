import { z } from 'zod';

/** The Open Inference Protocol, version 2 (KServe, Triton), with the binary tensor data extension. */

type Parameters = Record<string, string | number | boolean>;

/** Checked here: a schema makes an object for each of thousands that are wrong, which takes seconds. */
const Parameters = z
  .custom<Parameters>(isParameters, { error: 'must be an object of strings, numbers and booleans' })
  .meta({
    type: 'object',
    additionalProperties: { type: ['string', 'number', 'boolean'] },
    description: 'values of extensions; unknown ones are ignored',
  });

function isParameters(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((inner) => ['string', 'number', 'boolean'].includes(typeof inner));
}

/**
 * Numbers, flat or nested by dimension. Whether each is a number is checked where they are copied: a schema
 * would walk a million of them a second time.
 */
const TensorData = z
  .custom<unknown[]>((value) => Array.isArray(value), { error: 'must be a list of numbers' })
  .meta({ type: 'array', items: {}, description: 'numbers, flat in row-major order or nested by dimension' });

const Shape = z.array(z.int().min(0)).min(1).max(8);

export const InferRequest = z
  .object({
    id: z.string().max(256).optional(),
    parameters: Parameters.optional(),
    inputs: z
      .array(
        z.object({
          name: z.string(),
          shape: Shape,
          datatype: z.string().meta({ examples: ['FP32'] }),
          parameters: Parameters.optional(),
          data: TensorData.optional(),
        }),
      )
      .min(1)
      .max(16),
    outputs: z
      .array(z.object({ name: z.string(), parameters: Parameters.optional() }))
      .max(16)
      .optional(),
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
        parameters: Parameters.optional(),
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
export const ModelReadyAnswer = z.strictObject({ name: z.string(), ready: z.boolean() });

export const V2Params = z.object({ model: z.string().min(1).max(120) });
export const V2VersionParams = V2Params.extend({
  version: z.string().min(1).max(20).meta({ description: 'a version number, or `latest`' }),
});
