import { z } from 'zod';
import { Refusal } from '../../core/errors.ts';
import { PredictJson } from '../http/json-images.ts';
import { type ImageReader, readImages } from '../http/read-images.ts';
import { json, type Route } from '../http/route.ts';
import type { ModelRegistry } from '../models/registry.ts';
import { ModelReferenceText, parseInput, wholeNumberText } from '../schemas.ts';

const DEFAULT_TOP_K = 5;
/** More than any model has; the number that a model has is checked with the model. */
const MAX_CLASSES = 1_000_000;

const PredictQuery = z.strictObject({
  topk: wholeNumberText('topk', MAX_CLASSES)
    .meta({ description: 'how many classes to return; 5 if absent' })
    .optional(),
  model: ModelReferenceText.optional(),
});

/** `multipart/form-data`; multer reads it, so this only documents. */
const PredictForm = z
  .object({
    image: z.array(z.string().meta({ format: 'binary' })).optional(),
    images: z.array(z.string().meta({ format: 'binary' })).optional(),
    file: z.array(z.string().meta({ format: 'binary' })).optional(),
  })
  .meta({
    description:
      'image files in the field `image` or `file`, or one of any name; in `images` (or `files`), the answer is a list even for one',
  });

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

const PredictAnswer = z
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

export function predictRoutes(registry: ModelRegistry, reader: ImageReader): Route[] {
  return [
    {
      method: 'post',
      path: '/predict',
      id: 'predict',
      summary:
        'Classifies images: a form, a raw image, JSON with base64 or addresses. The bytes say which, whatever the content type says.',
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
        ...json(PredictJson),
      },
      answers: { 200: { description: 'The best classes.', content: json(PredictAnswer) } },
      refusals: [400, 404, 408, 413, 415, 422, 429, 503],
      handle: async (context) => {
        const { req, res } = context;
        const { topk = DEFAULT_TOP_K, model: named } = parseInput(PredictQuery, req.query, 'the query');
        // The model is found before the body is read, and held only after: by then it may be another.
        registry.resolve(named);
        const { images, list } = await readImages(context, reader);
        const model = registry.resolve(named);
        const release = context.hold(model);
        const { labels, scores } = model.served.metadata;
        // Whoever wants ten of a net that knows three gets these.
        const k = Math.min(topk, labels.length);
        const { results, latencyMs } = await model.pipeline.classify(images, k, context.runLimits);
        release();
        const kind = scores === 'independent' ? 'independent' : 'exclusive';
        const head = { model: model.name, version: model.version, scores: kind };
        if (!list) {
          const [predictions] = results;
          if (predictions instanceof Refusal) throw predictions;
          res.json({ ...head, predictions, latencyMs });
          return;
        }
        const each = results.map((result) =>
          result instanceof Refusal ? { error: result.message } : { predictions: result },
        );
        res.json({ ...head, results: each, latencyMs });
      },
    },
  ];
}
