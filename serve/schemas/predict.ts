import { z } from 'zod';
import { ModelReferenceText, wholeNumberText } from './common.ts';

/** More than any model has; the number that a model has is checked with the model. */
const MAX_CLASSES = 1_000_000;

export const PredictQuery = z.strictObject({
  topk: wholeNumberText('topk', MAX_CLASSES)
    .meta({ description: 'how many classes to return; 5 if absent' })
    .optional(),
  model: ModelReferenceText.optional(),
});

const Base64Image = z.string().meta({
  description: 'a PNG, JPEG, WebP, GIF or AVIF file as base64 or as a data URL',
  contentEncoding: 'base64',
});

/** `application/json`: one image, or several. */
export const PredictJson = z
  .union(
    [
      z.strictObject({ image: Base64Image }),
      // Not checked one by one: in a list a bad image is refused alone.
      z.strictObject({
        images: z
          .array(z.unknown().meta({ type: 'string', contentEncoding: 'base64' }))
          .min(1, 'give a list that is not empty'),
      }),
    ],
    {
      error:
        'give either "image" (a string: base64 or a data URL) or "images" (a list of them that is not empty)',
    },
  )
  .meta({ id: 'PredictRequest' });

/** `multipart/form-data`; multer reads it, so this only documents. */
export const PredictForm = z
  .object({
    image: z.array(z.string().meta({ format: 'binary' })).optional(),
    images: z.array(z.string().meta({ format: 'binary' })).optional(),
  })
  .meta({ description: 'image files in the field `image`; in `images`, the answer is a list even for one' });

const Prediction = z
  .strictObject({ index: z.int().min(0), label: z.string(), probability: z.number().min(0).max(1) })
  .meta({ id: 'Prediction', description: 'one class with its probability' });

const common = {
  model: z.string(),
  version: z.int().min(1),
  scores: z.enum(['exclusive', 'independent']).meta({
    description:
      '`exclusive`: a picture shows one of the classes, the probabilities of all sum to 1; `independent`: it may show any number of them',
  }),
  latencyMs: z
    .strictObject({ decode: z.number().min(0), inference: z.number().min(0) })
    .meta({ description: 'milliseconds of decoding and of the model' }),
};
const Predictions = z.array(Prediction).meta({ description: 'best first' });

export const PredictAnswer = z
  .union([
    z.strictObject({ ...common, predictions: Predictions }),
    z.strictObject({
      ...common,
      results: z
        .array(z.union([z.strictObject({ predictions: Predictions }), z.strictObject({ error: z.string() })]))
        .meta({ description: 'for each image, in order' }),
    }),
  ])
  .meta({ id: 'PredictAnswer' });
