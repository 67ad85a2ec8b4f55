import type { ImageDataset } from '../../core/data/dataset.ts';
import { UserError } from '../../core/errors.ts';
import { ClassificationMetrics } from '../../core/metrics/classification-metrics.ts';
import { ConfusionMatrix } from '../../core/metrics/confusion-matrix.ts';
import { type ClientOptions, DEFAULT_BATCH_SIZE, DEFAULT_CONCURRENCY, InferenceClient } from './client.ts';
import { encodePng } from './html-report.ts';
import { type Mistake, MistakeList } from './mistakes.ts';

/** What a server scored on a test split; fractions in [0, 1]. */
export interface ServerEvaluation {
  images: number;
  top1: number;
  top5: number;
  top1Correct: number;
  top5Correct: number;
  /** From the first request to the last answer, encoding the images included. */
  seconds: number;
  imagesPerSecond: number;
  /** The server's name for its model. */
  model: string;
  version: number;
  /** Of a request of `batchSize` images, as the client sees it, retries included. */
  latencyMs: LatencySummary;
  batchSize: number;
  concurrency: number;
  /** Requests that had to be sent again. */
  retries: number;
  /** Without the images of `leaveOut`. */
  withoutDuplicates?: Pick<ServerEvaluation, 'images' | 'top1' | 'top5' | 'top1Correct' | 'top5Correct'> & {
    leftOut: number;
  };
}

/** What the report is drawn from, beside the numbers. */
export interface EvaluationDetails {
  matrix: ConfusionMatrix;
  /** Wrong answers given with the highest probability, the worst first. */
  mistakes: Mistake[];
}

export interface EvaluateOptions extends ClientOptions {
  /** The server's address, e.g. `http://127.0.0.1:8080`. */
  server: string;
  /** Its `test` split is sent. */
  dataset: Pick<ImageDataset, 'name' | 'labels' | 'height' | 'width' | 'test'>;
  /** Images in one request (default {@link DEFAULT_BATCH_SIZE}). */
  batchSize?: number;
  /** Requests under way at a time (default {@link DEFAULT_CONCURRENCY}). */
  concurrency?: number;
  /** Only the first so many images. */
  limit?: number | undefined;
  /** Test images, by their place, that a second count leaves out. */
  leaveOut?: ReadonlySet<number> | undefined;
  /** Called after each request. */
  onProgress?: (progress: { done: number; total: number; top1: number }) => void;
}

/**
 * Measures top-1 and top-5 accuracy through a running server: every test image travels as a lossless PNG, so
 * decoding, preprocessing and inference are all part of what is measured.
 * @throws UserError if the server is unreachable, its model has other labels, or it refuses an image
 */
export async function evaluateServer(
  options: EvaluateOptions,
): Promise<ServerEvaluation & EvaluationDetails> {
  const { dataset, batchSize = DEFAULT_BATCH_SIZE, concurrency = DEFAULT_CONCURRENCY } = options;
  const client = new InferenceClient(options.server, options);
  const description = await client.model();
  checkComparable(description, dataset, "the server's model");
  const total = Math.min(dataset.test.count, options.limit ?? Number.POSITIVE_INFINITY);
  if (total === 0) throw new UserError(`${dataset.name} has no test images to evaluate on`);

  const classes = dataset.labels.length;
  const metrics = new ClassificationMetrics(classes);
  const { leaveOut } = options;
  const others = new ClassificationMetrics(classes);
  const matrix = new ConfusionMatrix(classes);
  const mistakes = new MistakeList();
  const latencies: number[] = [];
  const topk = Math.min(5, classes);
  let next = 0;
  let done = 0;
  let failed = false;
  const start = performance.now();

  const sendBatches = async (): Promise<void> => {
    // After a failure the others stop as well, instead of sending on behind the error.
    while (next < total && !failed) {
      const first = next;
      const count = Math.min(batchSize, total - first);
      next += count;
      const indices = Array.from({ length: count }, (_, i) => first + i);
      const files = await Promise.all(indices.map((index) => encodePng(dataset.test, index, dataset)));
      const sentAt = performance.now();
      const results = await client.predict(files, topk);
      latencies.push(performance.now() - sentAt);
      results.forEach((result, i) => {
        if ('error' in result)
          throw new UserError(`the server refused test image ${first + i}: ${result.error}`);
        const ranked = result.predictions.map((prediction) => prediction.index);
        const label = dataset.test.labels[first + i]!;
        metrics.addRanked(ranked, label);
        if (!leaveOut?.has(first + i)) others.addRanked(ranked, label);
        matrix.count(label, ranked[0]);
        mistakes.add({ image: first + i, label, predictions: result.predictions });
      });
      done += count;
      options.onProgress?.({ done, total, top1: metrics.result().top1 });
    }
  };
  try {
    await Promise.all(Array.from({ length: concurrency }, sendBatches));
  } catch (error) {
    failed = true;
    throw error;
  }

  const seconds = (performance.now() - start) / 1000;
  const { loss: _, ...counted } = metrics.result();
  const { images } = counted;
  const { loss: __, ...countedOthers } = others.result();
  return {
    ...counted,
    ...(leaveOut ? { withoutDuplicates: { ...countedOthers, leftOut: images - countedOthers.images } } : {}),
    seconds,
    imagesPerSecond: images / seconds,
    model: description.name,
    version: description.version ?? 1,
    latencyMs: summarizeLatencies(latencies),
    batchSize,
    concurrency,
    retries: client.retries,
    matrix,
    mistakes: mistakes.worst(),
  };
}

/**
 * Refuses to measure a classifier on a dataset that it is not for, whose every score would be meaningless.
 * @param who what to call it, e.g. `the server's model`
 * @throws UserError unless it has the dataset's class names in the same order, of which a picture shows one
 */
export function checkComparable(
  model: { labels: readonly string[]; scores?: string },
  dataset: Pick<ImageDataset, 'name' | 'labels'>,
  who: string,
): void {
  const { labels, scores } = model;
  if (scores === 'independent') {
    throw new UserError(
      `${who} gives every class a probability of its own, as a picture may show several: top-1 of pictures ` +
        'with one class each says nothing of it; if its classes do exclude each other, export it with "scores": "probabilities"',
    );
  }
  if (labels.length !== dataset.labels.length) {
    throw new UserError(
      `${who} has ${labels.length} classes but ${dataset.name} has ${dataset.labels.length}; ` +
        'evaluate it on the dataset it was trained on',
    );
  }
  const differing = labels.findIndex((label, i) => label !== dataset.labels[i]);
  if (differing >= 0) {
    throw new UserError(
      `class ${differing} of ${who} is "${labels[differing]}" but that of ${dataset.name} is ` +
        `"${dataset.labels[differing]}"; evaluate it on the dataset it was trained on`,
    );
  }
}

/** Milliseconds. */
interface LatencySummary {
  mean: number;
  p50: number;
  p90: number;
  p99: number;
  max: number;
}

/** @param milliseconds at least one */
export function summarizeLatencies(milliseconds: readonly number[]): LatencySummary {
  const sorted = Float64Array.from(milliseconds).sort();
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return {
    mean,
    p50: percentile(sorted, 0.5),
    p90: percentile(sorted, 0.9),
    p99: percentile(sorted, 0.99),
    max: sorted.at(-1)!,
  };
}

/** The smallest value that so many are no larger than ("nearest rank"). @param sorted ascending, not empty */
export function percentile(sorted: Float64Array, fraction: number): number {
  return sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)]!;
}
