import { UserError } from '../../core/errors.ts';
import { probabilitiesOf, type ScoreKind } from '../../core/metrics/scores.ts';
import { topK } from '../../core/metrics/top-k.ts';
import type { Agreement, ClassifierMetadata, Precision } from '../../core/model-metadata.ts';
import { INDICES, PROBABILITIES } from '../../core/onnx/passes/pixels-to-top-k.ts';
import type { ImageSet } from '../pictures.ts';
import { batchSizes, feedFor, type Outputs, runFile } from './run-file.ts';

/**
 * The largest difference an exported model may have, relative to the largest logit. Float32: folding batch norm
 * costs about 1e-6. Float16 has 11 bits: some 1e-3; more of it is a net whose values it cannot hold. What int8 costs
 * depends on the net, and is stated.
 */
export const TOLERANCE: Readonly<Record<Precision, number>> = {
  fp32: 1e-4,
  fp16: 0.05,
  int8: Number.MAX_VALUE,
};

/**
 * Up to this size onnxruntime optimises as it does by default. Then it brings weights into the order that the
 * processor likes best, in copies: 2.7 times the weights in all. Every other optimisation needs no copies.
 */
const COPIED_BYTES = 64_000_000;

export interface VerifyOptions {
  /** The exported file, and its metadata. */
  path: string;
  bytes: number;
  metadata: ClassifierMetadata;
  /** The file of the original: float32, NCHW, before any pass. */
  reference: string;
  images: ImageSet;
  batch?: number | undefined;
  /**
   * Of a model of another program: the batches to run it on, where the original takes the same images one by one, and
   * the largest difference allowed.
   */
  foreign?: { batches: number[]; tolerance: number } | undefined;
  /** What to call the export in an error. */
  target: string;
  onImages?: ((done: number, total: number) => void) | undefined;
}

export interface Verification {
  /** The largest difference; see `Comparison.difference`. */
  maxDifference: number;
  /** Of the best classes. */
  agreement: Agreement;
}

/**
 * Checks an exported file before it is put in place: onnxruntime takes it and computes of the same images what it
 * computes from the original. The original runs with onnxruntime's optimisations off, so that its batch norms are
 * computed as they stand. The two are in memory one after the other.
 * @throws UserError if the difference is over {@link TOLERANCE} or not a number
 */
export async function verifyModel(options: VerifyOptions): Promise<Verification> {
  const { path, bytes, metadata, reference, images, target, foreign } = options;
  const batches = foreign?.batches ?? batchSizes(images.count, options.batch);
  const onImages = (before: number) => (done: number) => options.onImages?.(before + done, 2 * images.count);
  const { preprocessing: _, ...plain } = metadata;
  const original = await runFile(
    reference,
    // Of a quantised one its fused operators round otherwise.
    foreign ? 'all' : 'disabled',
    feedFor(images, { ...plain, inputLayout: 'NCHW' }),
    foreign ? Array.from({ length: images.count }, () => 1) : batches,
    onImages(0),
  );
  const exported = await runFile(
    path,
    bytes > COPIED_BYTES ? 'extended' : 'all',
    feedFor(images, metadata),
    batches,
    onImages(images.count),
  );
  const comparison = compareOutputs(
    exported,
    original.get('logits')!,
    metadata.labels.length,
    metadata.scores,
  );
  const { precision = 'fp32' } = metadata;
  // Not `difference > tolerance`: NaN, of weights that are not finite, must not pass.
  const tolerance = foreign?.tolerance ?? TOLERANCE[precision];
  if (!(comparison.difference <= tolerance)) {
    throw new UserError(
      foreign
        ? explainForeign(comparison.difference, tolerance, precision, target)
        : explain(comparison.difference, precision, target),
    );
  }
  return { maxDifference: comparison.difference, agreement: agreementOf(comparison, images) };
}

function explain(difference: number, precision: Precision, target: string): string {
  if (Number.isNaN(difference)) {
    const reason =
      precision === 'fp32'
        ? 'the run diverged, train with a lower --lr'
        : `the values are beyond what ${precision} holds, or the run diverged; try --precision fp32`;
    return `${target} was not written: its logits are not finite numbers; ${reason}`;
  }
  const reason = precision === 'fp32' ? 'export in float32' : `export in ${precision}; use --precision fp32`;
  return (
    `${target} was not written: its outputs differ from the checkpoint's by ${difference.toExponential(1)} ` +
    `where ${TOLERANCE[precision]} is allowed; the weights are too extreme to ${reason}`
  );
}

function explainForeign(difference: number, tolerance: number, precision: Precision, target: string): string {
  const found = Number.isNaN(difference)
    ? 'it gives no numbers, or not as many'
    : `its scores differ from the original's by ${difference.toExponential(1)} where ${tolerance} is allowed`;
  return `${target} was not written: ${found}${precision === 'fp32' ? '' : '; use --precision fp32'}`;
}

function agreementOf({ best, referenceBest }: Comparison, images: ImageSet): Agreement {
  const { on, count, distinct = count, labels } = images;
  const equal = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
    let equals = 0;
    for (let i = 0; i < distinct; i++) if (a[i] === b[i]) equals++;
    return equals;
  };
  return {
    on,
    images: distinct,
    top1Agreeing: equal(best, referenceBest),
    ...(labels
      ? { top1Correct: equal(best, labels), referenceTop1Correct: equal(referenceBest, labels) }
      : {}),
  };
}

interface Comparison {
  /**
   * Of logits: the largest difference, relative to the largest logit. Of probabilities and logarithms of them: the
   * largest difference of a probability. NaN if any value is not finite, or there are not as many as there should be.
   */
  difference: number;
  /** The best class of each image. */
  best: number[];
  referenceBest: number[];
}

/**
 * Compares the outputs of an exported model with the logits of its original.
 * @param reference [images, classes]
 * @param scores how both become probabilities
 */
function compareOutputs(
  outputs: Outputs,
  reference: readonly number[],
  classes: number,
  scores?: ScoreKind,
): Comparison {
  const referenceBest = bestOf(reference, classes);
  const logits = outputs.get('logits');
  if (logits) {
    return {
      difference:
        scores === undefined || scores === 'logits'
          ? relativeDifference(logits, reference)
          : largestDifference(probabilitiesOf(logits, scores), probabilitiesOf(reference, scores)),
      best: bestOf(logits, classes),
      referenceBest,
    };
  }
  const probabilities = outputs.get(PROBABILITIES) ?? [];
  const indices = outputs.get(INDICES) ?? [];
  const k = indices.length / referenceBest.length;
  let difference = probabilities.length === indices.length && Number.isInteger(k) ? 0 : Number.NaN;
  referenceBest.forEach((_, image) => {
    const expected = probabilitiesOf(reference.slice(image * classes, (image + 1) * classes), scores);
    topK(expected, k).forEach((index, rank) => {
      const at = image * k + rank;
      // Both as good as the class of that rank, and as the class that it names: equals may change places.
      const byRank = Math.abs(probabilities[at]! - expected[index]!);
      const byName = Math.abs(probabilities[at]! - (expected[indices[at]!] ?? Number.NaN));
      difference = Math.max(difference, byRank, byName);
    });
  });
  return { difference, best: indices.filter((_, i) => i % k === 0), referenceBest };
}

/** NaN if any value is, or the lengths differ. */
function largestDifference(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return Number.NaN;
  return actual.reduce((largest, value, i) => Math.max(largest, Math.abs(value - expected[i]!)), 0);
}

function bestOf(logits: readonly number[], classes: number): number[] {
  return Array.from(
    { length: logits.length / classes },
    (_, i) => topK(logits.slice(i * classes, (i + 1) * classes), 1)[0]!,
  );
}

/** max |actual - expected| / max |expected|; NaN if any value is not finite or the lengths differ. */
function relativeDifference(actual: readonly number[], expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.NaN;
  let difference = 0;
  let size = 0;
  for (const [i, value] of expected.entries()) {
    // Math.max keeps a NaN.
    difference = Math.max(difference, Math.abs(actual[i]! - value));
    size = Math.max(size, Math.abs(value));
  }
  if (!Number.isFinite(size)) return Number.NaN;
  return difference === 0 ? 0 : difference / size;
}
