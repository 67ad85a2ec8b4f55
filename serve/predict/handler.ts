import type { RequestHandler } from 'express';
import { Refusal } from '../../core/errors.ts';
import type { ImageRequest } from '../http/image-request.ts';
import type { Limits } from '../http/limits.ts';
import { runLimits } from '../http/run-limits.ts';
import type { LoadedModel } from '../models/loaded-model.ts';
import { parseInput } from '../schemas/parse.ts';
import { PredictQuery } from '../schemas/predict.ts';

const DEFAULT_TOP_K = 5;

/** `?topk=` and `?model=`, into `res.locals.query`. */
export const parsePredictQuery: RequestHandler = (req, res, next) => {
  res.locals.query = parseInput(PredictQuery, req.query, 'the query');
  next();
};

/** How many classes to return: no more than the model has. */
export const chooseTopK: RequestHandler = (_req, res, next) => {
  const model = res.locals.model as LoadedModel;
  const { topk } = res.locals.query as { topk?: number };
  const classes = model.served.metadata.labels.length;
  // Whoever wants ten of a net that knows three gets these.
  res.locals.topk = Math.min(topk ?? DEFAULT_TOP_K, classes);
  next();
};

/** Classifies `res.locals.images`. */
export function answerPredict(limits: Limits): RequestHandler {
  return async (_req, res) => {
    const model = res.locals.model as LoadedModel;
    const { images, list } = res.locals.images as ImageRequest;
    const { results, latencyMs } = await model.classifier.classify(
      images,
      res.locals.topk as number,
      runLimits(res, limits),
    );
    (res.locals.releaseModel as () => void)();
    const scores = model.served.metadata.scores === 'independent' ? 'independent' : 'exclusive';
    const head = { model: model.name, version: model.version, scores };
    if (!list) {
      const [predictions] = results;
      if (predictions instanceof Refusal) throw predictions;
      res.json({ ...head, predictions, latencyMs });
      return;
    }
    res.json({
      ...head,
      results: results.map((result) =>
        result instanceof Refusal ? { error: result.message } : { predictions: result },
      ),
      latencyMs,
    });
  };
}
