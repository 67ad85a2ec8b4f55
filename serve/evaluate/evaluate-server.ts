import type { ImageDataset } from '../../core/data/dataset.ts';
import { UserError } from '../../core/errors.ts';
import type { ConfusionMatrix } from '../../core/metrics/confusion-matrix.ts';
import { checkComparable, Tally, type WithoutDuplicates } from '../../core/metrics/tally.ts';
import type { ModelAccuracy } from '../../core/model-metadata.ts';
import {
  type ClientOptions,
  DEFAULT_BATCH_SIZE,
  DEFAULT_CONCURRENCY,
  encodePng,
  InferenceClient,
} from './client.ts';

/** What a server scored on a test split; fractions in [0, 1]. */
export interface ServerEvaluation extends Omit<ModelAccuracy, 'loss'> {
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
  withoutDuplicates?: Omit<WithoutDuplicates, 'loss'>;
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
  const tally = new Tally(classes, options.leaveOut);
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
        tally.addRanked(ranked, label, first + i);
        mistakes.add({ image: first + i, label, predictions: result.predictions });
      });
      done += count;
      options.onProgress?.({ done, total, top1: tally.accuracy.top1 });
    }
  };
  try {
    await Promise.all(Array.from({ length: concurrency }, sendBatches));
  } catch (error) {
    failed = true;
    throw error;
  }

  const seconds = (performance.now() - start) / 1000;
  // A server does not say the loss.
  const withoutLoss = <T extends ModelAccuracy>({ loss: _, ...counted }: T): Omit<T, 'loss'> => counted;
  const { images } = tally.accuracy;
  const { withoutDuplicates } = tally;
  return {
    ...withoutLoss(tally.accuracy),
    ...(withoutDuplicates && { withoutDuplicates: withoutLoss(withoutDuplicates) }),
    seconds,
    imagesPerSecond: images / seconds,
    model: description.name,
    version: description.version ?? 1,
    latencyMs: summarizeLatencies(latencies),
    batchSize,
    concurrency,
    retries: client.retries,
    matrix: tally.matrix,
    mistakes: mistakes.worst(),
  };
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

/** An image and what the server said of it. */
export interface Mistake {
  /** Its place in the split. */
  image: number;
  label: number;
  /** Best first. */
  predictions: { index: number; probability: number }[];
}

const KEPT = 60;

/** Keeps the wrong answers that were given with the highest probability. */
export class MistakeList {
  #mistakes: Mistake[] = [];

  /** Counts an answer; one that is right is not kept. */
  add(answer: Mistake): void {
    const [best] = answer.predictions;
    if (!best || best.index === answer.label) return;
    this.#mistakes.push(answer);
    // Sorted now and then only: most answers of a long evaluation never come near the top.
    if (this.#mistakes.length >= 4 * KEPT) this.#mistakes = this.worst();
  }

  /** The worst first; of equals the earlier image. */
  worst(): Mistake[] {
    const certainty = ({ predictions }: Mistake): number => predictions[0]!.probability;
    return this.#mistakes.toSorted((a, b) => certainty(b) - certainty(a) || a.image - b.image).slice(0, KEPT);
  }
}
