import type { RequestHandler } from 'express';
import type { ClassifierMetadata } from '../../core/model-metadata.ts';
import { HttpError, UnavailableError } from '../http/http-error.ts';
import type { Limits } from '../http/limits.ts';
import type { ImageRequest } from '../http/read-images.ts';
import type { InferencePool } from '../inference/pool.ts';
import { Classifier } from './classifier.ts';

/**
 * `POST /predict`, in two handlers around the one that reads the body: `check` refuses early what no body can
 * mend, `answer` classifies `res.locals.images`.
 */
export function predictHandler(
  metadata: ClassifierMetadata,
  pool: () => InferencePool | undefined,
  limits: Limits,
): { check: RequestHandler; answer: RequestHandler } {
  const classes = metadata.labels.length;
  const requirePool = (): InferencePool => {
    const current = pool();
    if (!current) throw new UnavailableError('the model is not ready yet; try again');
    return current;
  };
  // Looks the pool up at each run: the app exists before it.
  const classifier = new Classifier(
    metadata,
    { run: (input, images) => requirePool().run(input, images) },
    limits.pixels,
  );

  const check: RequestHandler = (req, res, next) => {
    requirePool();
    res.locals.topk = parseTopK(req.query.topk, classes);
    next();
  };

  const answer: RequestHandler = async (_req, res) => {
    const { images, list } = res.locals.images as ImageRequest;
    const { results, latencyMs } = await classifier.classify(images, res.locals.topk as number);
    if (!list) {
      const [predictions] = results;
      if (predictions instanceof HttpError) throw predictions;
      res.json({ model: metadata.model, predictions, latencyMs });
      return;
    }
    res.json({
      model: metadata.model,
      results: results.map((result) =>
        result instanceof HttpError ? { error: result.message } : { predictions: result },
      ),
      latencyMs,
    });
  };

  return { check, answer };
}

/** `?topk=`: how many predictions to give; 5, or all classes if there are fewer, when it is absent. */
function parseTopK(value: unknown, classes: number): number {
  if (value === undefined) return Math.min(5, classes);
  const k = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (k < 1 || k > classes) throw new HttpError(400, `topk must be a whole number from 1 to ${classes}`);
  return k;
}
