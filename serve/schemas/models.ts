import { z } from 'zod';
import { SCORE_KINDS } from '../../core/metrics/scores.ts';

const fraction = z.number().min(0).max(1);
// Not a Zod tuple: not every OpenAPI tool understands its `prefixItems`.
const triple = z.array(z.number()).length(3) as unknown as z.ZodType<[number, number, number]>;

/** What a client needs to use a model, here or in a browser. */
export const ModelDescriptionAnswer = z
  .strictObject({
    name: z.string(),
    version: z.int().min(1),
    versions: z.array(z.int().min(1)).meta({ description: 'all versions served, ascending' }),
    dataset: z.string().meta({ description: 'what it was trained on' }),
    labels: z.array(z.string()),
    input: z.strictObject({
      layout: z.literal('NCHW'),
      colorSpace: z.literal('RGB'),
      height: z.int().min(1),
      width: z.int().min(1),
      mean: triple,
      std: triple,
    }),
    scores: z.enum(SCORE_KINDS).meta({
      description:
        'how the output `logits` becomes probabilities: `logits` by a softmax; `log-probabilities` and `independent` ' +
        'by exp, of classes of which a picture shows one, or any number',
    }),
    accuracy: z
      .looseObject({ top1: fraction, top5: fraction, images: z.int() })
      .nullable()
      .meta({ description: 'null if it was never measured' }),
    file: z.string().meta({ description: 'where this server has the ONNX file' }),
    bytes: z.int().min(1),
  })
  .meta({ id: 'Model' });

export const ModelListAnswer = z
  .strictObject({
    default: z.string().meta({ description: 'the model that is asked when none is named' }),
    models: z.array(
      z.strictObject({
        name: z.string(),
        version: z.int().min(1),
        ready: z.boolean(),
        labels: z.int().min(1),
        file: z.string(),
        bytes: z.int().min(1),
        url: z.string(),
      }),
    ),
  })
  .meta({ id: 'ModelList' });

export const HealthAnswer = z
  .union([
    z.strictObject({ status: z.literal('ok'), model: z.string().optional() }),
    z.strictObject({ status: z.literal('unavailable'), error: z.string() }),
  ])
  .meta({ id: 'Health' });
