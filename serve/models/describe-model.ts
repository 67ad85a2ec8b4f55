import { z } from 'zod';
import type { DataOrigin } from '../../core/data/dataset.ts';
import { SCORE_KINDS } from '../../core/metrics/scores.ts';
import type { ServedModel } from '../model-file.ts';

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
    data: z
      .object({
        heldOut: z.object({ share: z.number(), seed: z.int() }),
        hash: z.object({ test: z.object({ images: z.string(), labels: z.string() }) }),
      })
      .optional()
      .meta({
        description: 'which images of an image folder were held out to test on, so that they are found again',
      }),
    file: z.string().meta({ description: 'where this server has the ONNX file' }),
    bytes: z.int().min(1),
  })
  .meta({ id: 'Model' });

/** The answer of `GET /model`: what a client needs to use the model, here or in a browser. */
export type ModelDescription = z.output<typeof ModelDescriptionAnswer>;

export function describeModel(
  { metadata, bytes }: Pick<ServedModel, 'metadata' | 'bytes'>,
  { name, version }: { name: string; version: number },
): Omit<ModelDescription, 'versions'> {
  return {
    name,
    version,
    dataset: metadata.dataset,
    labels: metadata.labels,
    input: {
      // The only one that `decodeMetadata` lets through.
      layout: 'NCHW',
      colorSpace: metadata.colorSpace,
      height: metadata.inputHeight,
      width: metadata.inputWidth,
      mean: metadata.mean,
      std: metadata.std,
    },
    scores: metadata.scores ?? 'logits',
    accuracy: metadata.accuracy ? { ...metadata.accuracy } : null,
    ...heldOutOf(metadata),
    file: `/models/${name}@${version}.onnx`,
    bytes: bytes.length,
  };
}

/** Not where the data was, which is nobody's business. */
function heldOutOf({ trainingConfig }: ServedModel['metadata']): Pick<ModelDescription, 'data'> {
  const { data } = z.object({ data: ModelDescriptionAnswer.shape.data }).safeParse(trainingConfig).data ?? {};
  // Beside test images they are validation images.
  const isTest = (trainingConfig?.data as DataOrigin | undefined)?.validation === undefined;
  return data && isTest ? { data } : {};
}
